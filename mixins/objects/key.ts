const KEY = /^[\w][\w./=+-]{0,500}$/

export const isObjectKey = (key: string): boolean => KEY.test(key)

/** The key; throws a RangeError for what no engine shall see. */
export function objectKey(key: string): string {
  if (!isObjectKey(key)) throw new RangeError(`not an object key: ${JSON.stringify(key.slice(0, 100))}`)
  return key
}
