/** The header of a signed request to EC2, which is not emulated. */
export const EC2_SIGNATURE = 'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=00';
