import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Engine } from '../engine.ts'
import { goInstall, goTool } from '../install.ts'
import { answersHttp } from '../probes.ts'
import type { Stack } from '../stack.ts'

const VERSION = 'v2.15.2'
const BINARY = `nats-server-${VERSION}`

/** Every subject of Moleculer's namespace `souk`; users have rights to these and to nothing else. */
const OWN_SUBJECTS = 'MOL-souk.>'

interface NatsSettings {
  host: string
  port: number
  monitorPort: number
  passwords: { souk: string; guest: string; other: string; system: string }
  tls: { cert: string; key: string }
}

const user = (name: string, password: string, subjects: string): string =>
  `{ user: ${name}, password: "${password}", permissions: { publish: { allow: ["${subjects}"] }, subscribe: { allow: ["${subjects}"] } } }`

/** The server's configuration: two accounts that do not hear each other, users who may only use their own subjects, TLS for those who ask for it. */
export const natsConfig = ({ host, port, monitorPort, passwords, tls }: NatsSettings): string => `server_name: souk
listen: "${host}:${port}"
http: "${host}:${monitorPort}"
max_payload: 4MB
tls {
  cert_file: "${tls.cert}"
  key_file: "${tls.key}"
}
allow_non_tls: true
accounts {
  SOUK: { users: [
    ${user('souk', passwords.souk, OWN_SUBJECTS)}
    ${user('guest', passwords.guest, 'guest.>')}
  ] }
  OTHER: { users: [ ${user('other', passwords.other, OWN_SUBJECTS)} ] }
  SYS: { users: [ { user: system, password: "${passwords.system}" } ] }
}
system_account: SYS
`

/** A certificate authority of the stack's own, and a server certificate for loopback. */
function makeCertificate(stack: Stack, dir: string): NatsSettings['tls'] {
  const [cert, key] = [`${dir}/server.pem`, `${dir}/server.key`]
  if (existsSync(cert)) return { cert, key }
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, ...stack.user, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-days', '3650', '-subj', '/CN=Souk stack CA', '-keyout', 'ca.key', '-out', 'ca.pem')
  openssl('req', '-x509', ...newKey, '-days', '3650', '-subj', '/CN=localhost', '-addext', `subjectAltName=DNS:localhost,IP:${stack.host}`,
    '-addext', 'basicConstraints=critical,CA:FALSE', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-keyout', 'server.key', '-out', 'server.pem')
  return { cert, key }
}

export const nats: Engine = {
  name: 'nats',
  title: `NATS ${VERSION}`,
  byDefault: true,
  needs: ['go'],
  packages: ['openssl'],
  ports: { main: 14222, monitor: 18222 },

  isInstalled: (stack) => existsSync(goTool(stack, BINARY)),
  install: (stack) => goInstall(stack, 'github.com/nats-io/nats-server/v2', VERSION, BINARY),

  async configure(stack) {
    const dir = stack.own('nats')
    const file = stack.configure(
      `${dir}/nats.conf`,
      natsConfig({
        host: stack.host,
        port: stack.port('nats'),
        monitorPort: stack.port('nats', 'monitor'),
        passwords: { souk: stack.secret('nats.souk'), guest: stack.secret('nats.guest'), other: stack.secret('nats.other'), system: stack.secret('nats.system') },
        tls: makeCertificate(stack, dir)
      })
    )
    return [{ name: 'nats', command: goTool(stack, BINARY), args: ['--config', file] }]
  },

  probe: (stack) => answersHttp(`http://${stack.host}:${stack.port('nats', 'monitor')}/healthz`),

  environment(stack) {
    const url = (name: string): string => `nats://${name}:${stack.secret(`nats.${name}`)}@${stack.host}:${stack.port('nats')}`
    return {
      NATS_URL: url('souk'),
      NATS_GUEST_URL: url('guest'),
      NATS_OTHER_URL: url('other'),
      NATS_SYSTEM_URL: url('system'),
      NATS_MONITOR_URL: `http://${stack.host}:${stack.port('nats', 'monitor')}`,
      NATS_CA: stack.path('nats', 'ca.pem')
    }
  }
}
