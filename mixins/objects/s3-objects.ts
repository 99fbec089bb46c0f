import { CreateBucketCommand, DeleteObjectCommand, GetObjectCommand, HeadBucketCommand, PutObjectCommand, S3Client, type BucketLocationConstraint } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { inTime } from '../primitives/in-time.ts'
import { problem } from '../primitives/problem.ts'
import { objectKey } from './key.ts'
import type { ObjectStore, StoredObject } from './port.ts'

export interface S3Options {
  endpoint: string
  /** The endpoint that signed URLs name, where browsers reach it by another. */
  publicEndpoint: string | null
  region: string
  bucket: string
  /** What the AWS environment offers, unless told. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null
  /** Longest wait for an answer, retries included. */
  patienceMs?: number
}

const PATIENCE_MS = 15_000
const CONNECT_MS = 3_000
const ATTEMPTS = 3
/** Where buckets are when nobody says; the only region whose name a new bucket must not give. */
const DEFAULT_REGION = 'us-east-1'

const unavailable = (): Error => problem('unavailable', 'The object store does not answer: try again shortly.', { retryAfter: 2 })

/** What S3 answered; undefined when nothing came. */
const statusOf = (error: unknown): number | undefined => (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode

/** What S3 refuses stays what it is; no answer, an overloaded or a broken server is `unavailable`. */
function typed(error: unknown): Error {
  const status = statusOf(error)
  return status === undefined || status >= 500 || status === 429 ? unavailable() : (error as Error)
}

const isMissing = (error: unknown): boolean => statusOf(error) === 404

/**
 * Objects in S3, or what speaks its protocol, in one bucket that is made unless it is there. Pages and files go to browsers by
 * signed GET, uploads come from them by presigned POST, both straight from and to S3; its CORS rules must let our pages in.
 * A request that was not answered is repeated by the client: a put and a removal may be.
 */
export class S3Objects implements ObjectStore {
  readonly #bucket: string
  readonly #patienceMs: number
  readonly #client: S3Client
  /** Never asked, only signs. */
  readonly #signer: S3Client
  #madeBucket: Promise<void> | null = null

  constructor({ endpoint, publicEndpoint, region, bucket, credentials, patienceMs = PATIENCE_MS }: S3Options) {
    this.#bucket = bucket
    this.#patienceMs = patienceMs
    const open = (at: string): S3Client =>
      new S3Client({
        endpoint: at,
        region,
        forcePathStyle: true,
        ...(credentials ? { credentials } : {}),
        maxAttempts: ATTEMPTS,
        requestHandler: { connectionTimeout: CONNECT_MS, requestTimeout: patienceMs, throwOnRequestTimeout: true },
        // Else the client signs the checksum of an empty body into URLs whose body only the browser knows.
        requestChecksumCalculation: 'WHEN_REQUIRED',
        responseChecksumValidation: 'WHEN_REQUIRED'
      })
    this.#client = open(endpoint)
    this.#signer = publicEndpoint ? open(publicEndpoint) : this.#client
  }

  async put(key: string, body: Buffer, type: string): Promise<void> {
    const command = new PutObjectCommand({ ...this.#place(key), Body: body, ContentType: type })
    await this.#ask(async () => void (await this.#client.send(command)))
  }

  async get(key: string): Promise<StoredObject | null> {
    const command = new GetObjectCommand(this.#place(key))
    return this.#ask(async () => {
      try {
        const { Body, ContentType = 'application/octet-stream' } = await this.#client.send(command)
        return { body: Buffer.from(await Body!.transformToByteArray()), type: ContentType }
      } catch (error) {
        if (isMissing(error)) return null
        throw error
      }
    })
  }

  async remove(key: string): Promise<void> {
    const command = new DeleteObjectCommand(this.#place(key))
    await this.#ask(async () => void (await this.#client.send(command)))
  }

  async signGet(key: string, ttlSeconds: number): Promise<string> {
    // An object is whatever somebody uploaded: a browser must save it, not show it.
    const command = new GetObjectCommand({ ...this.#place(key), ResponseContentDisposition: 'attachment' })
    const expiresIn = Math.max(1, ttlSeconds) // the least that may be signed: what shall be over already is signed earlier
    return getSignedUrl(this.#signer, command, { expiresIn, signingDate: new Date(Date.now() - (expiresIn - ttlSeconds) * 1_000) })
  }

  async signPost(key: string, { type, maxBytes, ttlSeconds }: { type: string; maxBytes: number; ttlSeconds: number }): Promise<{ url: string; fields: Record<string, string> }> {
    await this.#ask(async () => {}) // the browser's request makes no bucket
    return createPresignedPost(this.#signer, { ...this.#place(key), Fields: { 'Content-Type': type }, Conditions: [['content-length-range', 0, maxBytes]], Expires: ttlSeconds })
  }

  #place(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: objectKey(key) }
  }

  async #ask<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await inTime(this.#patienceMs, this.#ready().then(work), unavailable)
    } catch (error) {
      throw typed(error)
    }
  }

  #ready(): Promise<void> {
    this.#madeBucket ??= this.#makeBucket().catch((error: unknown) => {
      this.#madeBucket = null
      throw error
    })
    return this.#madeBucket
  }

  /** A bucket that we may use but not look at is taken to be there. */
  async #makeBucket(): Promise<void> {
    const Bucket = this.#bucket
    try {
      await this.#client.send(new HeadBucketCommand({ Bucket }))
    } catch (error) {
      if (statusOf(error) === 403) return
      if (!isMissing(error)) throw error
      const region = await this.#client.config.region()
      const where = region === DEFAULT_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint: region as BucketLocationConstraint } }
      await this.#client.send(new CreateBucketCommand({ Bucket, ...where })).catch((made: unknown) => {
        if (statusOf(made) !== 409) throw made // another node was quicker
      })
    }
  }
}
