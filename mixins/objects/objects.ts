import { join } from 'node:path'
import { setting } from '../settings/settings.ts'
import { DiskObjects } from './disk-objects.ts'
import type { ObjectStore } from './port.ts'
import { S3Objects } from './s3-objects.ts'

/** Where the gateway serves signed URLs of objects that lie on disk. */
export const OBJECTS_PATH = '/objects'

/** Objects on disk, as the gateway serves them: below SOUK_OBJECTS_DIR or the data directory. */
export const openDiskObjects = (): DiskObjects => new DiskObjects(setting('SOUK_OBJECTS_DIR') || join(setting('SOUK_DATA_DIR'), 'objects'), OBJECTS_PATH)

/** The object store that the configuration names: the bucket at S3_ENDPOINT, else files on disk. Needs no closing. */
export function openObjects(): ObjectStore {
  const endpoint = setting('S3_ENDPOINT')
  if (!endpoint) return openDiskObjects()
  const [accessKeyId, secretAccessKey] = [setting('S3_ACCESS_KEY_ID'), setting('S3_SECRET_ACCESS_KEY')]
  return new S3Objects({
    endpoint,
    publicEndpoint: setting('S3_PUBLIC_ENDPOINT'),
    region: setting('S3_REGION'),
    bucket: setting('S3_BUCKET'),
    credentials: accessKeyId ? { accessKeyId, secretAccessKey } : null
  })
}

/** Gives a service `this.objects`, from `created` on. */
export const withObjects = () => ({
  created(this: { objects: ObjectStore }) {
    this.objects = openObjects()
  }
})
