/**
 * What a synth does besides templates, and few tests look at. CDK's own check of templates takes ten seconds to load, and refuses some
 * that tests need: each app's templates go through it in `end-to-end/integ.test.ts`. A stack trace for each construct is a twelfth of a
 * synth's time, through jest's source maps.
 */
process.env.CDK_VALIDATION = 'false';
process.env.CDK_CONTEXT_JSON = JSON.stringify({ 'aws:cdk:disable-creation-stack-traces': true });
