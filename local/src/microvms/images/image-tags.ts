import type { ImageRecord } from './image-record';
import type { ImageStore } from './image-store';
import { parseImageArn } from '../wire/arns';
import { findBreaches, type Members } from '../wire/constraints';
import { notFound, ServiceError } from '../wire/errors';
import { TAG_KEY, TAGS } from '../wire/member-rules';

const ADD: Members = { Tags: { ...TAGS, required: true } };
const REMOVE: Members = { TagKeys: { type: 'list', required: true, min: 1, items: TAG_KEY } };

/** ListTags, TagResource and UntagResource for images. They are the old Lambda operations: members start with a capital. */
export class ImageTags {
  constructor(private readonly store: ImageStore) {}

  list(arn: string): object {
    return { Tags: this.#resolve(arn).tags };
  }

  add(arn: string, input: { readonly Tags?: Readonly<Record<string, string>> }): void {
    checkTags({ Tags: input.Tags }, ADD);
    const image = this.#resolve(arn);
    image.tags = { ...image.tags, ...input.Tags };
  }

  remove(arn: string, query: URLSearchParams): void {
    const keys = query.getAll('tagKeys');
    checkTags({ TagKeys: keys.length > 0 ? keys : undefined }, REMOVE);
    const image = this.#resolve(arn);
    image.tags = Object.fromEntries(Object.entries(image.tags).filter(([key]) => !keys.includes(key)));
  }

  #resolve(arn: string): ImageRecord {
    // Network connectors share the path.
    if (!arn.includes(':microvm-image')) throw notFound(`Resource not found: ${arn}`);
    return this.store.find(parseImageArn(this.store.place, arn, 'image'));
  }
}

/** The old operations have an error of their own for what the others call a validation error. */
function checkTags(input: Readonly<Record<string, unknown>>, members: Members): void {
  const breaches = findBreaches(input, members);
  if (breaches) throw new ServiceError('InvalidParameterValueException', breaches);
}
