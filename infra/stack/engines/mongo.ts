import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { MongoClient } from 'mongodb'
import type { Engine } from '../engine.ts'
import { javac, mavenLibraries, whole, type Artifact } from '../install.ts'
import { java } from '../jdk.ts'
import type { Stack } from '../stack.ts'

const VERSION = '1.47.0'
const LIBRARIES = `mongo-java-server-${VERSION}`
const CLASSES = `${LIBRARIES}-main`
const ARTIFACTS: readonly Artifact[] = [
  { groupId: 'de.bwaldvogel', artifactId: 'mongo-java-server', version: VERSION },
  { groupId: 'de.bwaldvogel', artifactId: 'mongo-java-server-h2-backend', version: VERSION }
]
const source = fileURLToPath(new URL('../mongo/MongoMain.java', import.meta.url))

const jars = (stack: Stack): string => stack.path('lib', LIBRARIES, '*')
const url = (stack: Stack): string => `mongodb://${stack.host}:${stack.port('mongo')}/souk`

export const mongo: Engine = {
  name: 'mongo',
  title: `MongoDB-compatible: mongo-java-server ${VERSION}`,
  byDefault: true,
  needs: ['java', 'maven'],
  packages: [],
  ports: { main: 17017 },

  isInstalled: (stack) => existsSync(stack.path('lib', CLASSES)),
  async install(stack) {
    await mavenLibraries(stack, LIBRARIES, ARTIFACTS)
    await whole(stack.path('lib', CLASSES), async (dir) => void (await javac([source], jars(stack), dir)))
  },

  async configure(stack) {
    stack.own('mongo')
    const file = `${stack.own('mongo', 'data')}/souk.mv`
    return [
      {
        name: 'mongo',
        command: java(),
        args: ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-cp', `${stack.path('lib', CLASSES)}:${jars(stack)}`, 'MongoMain', stack.host, String(stack.port('mongo')), file]
      }
    ]
  },

  async probe(stack) {
    const client = new MongoClient(url(stack), { serverSelectionTimeoutMS: 2_000, connectTimeoutMS: 2_000 })
    try {
      await client.db().command({ ping: 1 })
    } finally {
      await client.close()
    }
  },

  environment: (stack) => ({ MONGODB_URL: url(stack) })
}
