import { join } from 'node:path'
import { setting } from '../settings/settings.ts'
import { DiskObjects } from './disk-objects.ts'
import type { ObjectStore } from './port.ts'

/** Where the gateway serves signed URLs of objects that lie on disk. */
export const OBJECTS_PATH = '/objects'

/**
 * The object store that the configuration names: files below SOUK_OBJECTS_DIR or the data directory. Needs no closing. Throws when S3_ENDPOINT is set:
 * there is no S3 adapter yet.
 */
export function openObjects(): DiskObjects {
  if (setting('S3_ENDPOINT')) throw new Error('S3_ENDPOINT is set, but objects are not yet kept in S3: unset it to keep them on disk')
  return new DiskObjects(setting('SOUK_OBJECTS_DIR') || join(setting('SOUK_DATA_DIR'), 'objects'), OBJECTS_PATH)
}

/** Gives a service `this.objects`, from `created` on. */
export const withObjects = () => ({
  created(this: { objects: ObjectStore }) {
    this.objects = openObjects()
  }
})
