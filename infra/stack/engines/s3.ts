import { existsSync } from 'node:fs'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Engine } from '../engine.ts'
import { goInstall, goTool } from '../install.ts'
import { answersHttp } from '../probes.ts'
import type { Stack } from '../stack.ts'

const VERSION = 'v1.8.0'
const BINARY = `versitygw-${VERSION}`
const REGION = 'us-east-1'
const BUCKET = 'souk'
const KEY_ID = 'souk'

const endpoint = (stack: Stack): string => `http://${stack.host}:${stack.port('s3')}`

export const s3: Engine = {
  name: 's3',
  title: `S3: versitygw ${VERSION}`,
  byDefault: true,
  needs: ['go'],
  packages: [],
  ports: { main: 17070 },

  isInstalled: (stack) => existsSync(goTool(stack, BINARY)),
  install: (stack) => goInstall(stack, 'github.com/versity/versitygw', VERSION, BINARY, 'github.com/versity/versitygw/cmd/versitygw'),

  async configure(stack) {
    stack.own('s3')
    return [
      {
        name: 's3',
        command: goTool(stack, BINARY),
        args: ['--port', `${stack.host}:${stack.port('s3')}`, '--region', REGION, '--health', '/health', '--quiet', 'posix', stack.own('s3', 'data')],
        env: { ROOT_ACCESS_KEY: KEY_ID, ROOT_SECRET_KEY: stack.secret('s3') } // a command line is seen by every process of the machine
      }
    ]
  },

  probe: (stack) => answersHttp(`${endpoint(stack)}/health`),

  async provision(stack) {
    const client = new S3Client({ endpoint: endpoint(stack), region: REGION, forcePathStyle: true, credentials: { accessKeyId: KEY_ID, secretAccessKey: stack.secret('s3') } })
    try {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
    } catch (error) {
      if ((error as Error).name !== 'BucketAlreadyOwnedByYou' && (error as Error).name !== 'BucketAlreadyExists') throw error
    } finally {
      client.destroy()
    }
  },

  environment: (stack) => ({
    S3_ENDPOINT: endpoint(stack),
    S3_REGION: REGION,
    S3_BUCKET: BUCKET,
    S3_ACCESS_KEY_ID: KEY_ID,
    S3_SECRET_ACCESS_KEY: stack.secret('s3')
  })
}
