/** Bytes of an uploaded picture at most. */
export const PICTURE_BYTES_MAX = 10 * 1024 * 1024

/** Formats that are taken, as the decoder names them, with their media types. */
export const PICTURE_FORMATS: Readonly<Record<string, string>> = { jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif' }

export const PICTURE_TYPES = Object.values(PICTURE_FORMATS)
