import { int, optional, text } from './schema.ts'

/** Parameters of an action that takes a file (`upload`): the gateway fills them; the bytes come as the call's stream. */
export const uploadFields = {
  /** As the client named it: for showing only, never a path. */
  fileName: optional(text({ max: 255 })),
  /** One of the action's `types`, and what the bytes look like. */
  contentType: text({ max: 100 }),
  size: int({ min: 1, description: 'bytes' })
}
