import { parseImageArn, type Place } from './arns';
import { ServiceError } from './errors';
import type { Images } from './images';

/** ListTags, TagResource and UntagResource for images. They are the old Lambda operations: members start with a capital. */
export class ImageTags {
  constructor(private readonly place: Place, private readonly images: Images) {}

  list(arn: string): object {
    return { Tags: this.images.find(parseImageArn(this.place, arn, 'image')).tags };
  }

  add(arn: string, input: { readonly Tags?: Readonly<Record<string, string>> }): void {
    const image = this.images.find(parseImageArn(this.place, arn, 'image'));
    const { Tags } = input;
    const valid = typeof Tags === 'object' && Tags !== null && Object.values(Tags).every((value) => typeof value === 'string');
    if (!valid) throw new ServiceError('InvalidParameterValueException', 'Tags must be a map of strings.');
    image.tags = { ...image.tags, ...Tags };
  }

  remove(arn: string, query: URLSearchParams): void {
    const image = this.images.find(parseImageArn(this.place, arn, 'image'));
    const keys = query.getAll('tagKeys');
    image.tags = Object.fromEntries(Object.entries(image.tags).filter(([key]) => !keys.includes(key)));
  }
}
