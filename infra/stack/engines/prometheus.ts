import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Engine } from '../engine.ts'
import { answersHttp } from '../probes.ts'
import type { Stack } from '../stack.ts'

const source = fileURLToPath(new URL('../../prometheus', import.meta.url))
/** Operations ports of the nodes that run on this machine by default, and of those beside them. */
const NODES = [3900, 3901, 3902, 3903]

const url = (stack: Stack): string => `http://${stack.host}:${stack.port('prometheus')}`

export const prometheus: Engine = {
  name: 'prometheus',
  title: 'Prometheus (Debian)',
  byDefault: true,
  needs: [],
  packages: ['prometheus'],
  ports: { main: 19090 },

  isInstalled: () => existsSync('/usr/bin/prometheus'),
  install: async () => {},

  async configure(stack) {
    const dir = stack.own('prometheus')
    for (const file of ['prometheus.yml', 'alerts.yml']) stack.configure(join(dir, file), readFileSync(join(source, file), 'utf8'))
    const targets = join(stack.own('prometheus', 'targets'), 'nodes.json')
    if (!existsSync(targets)) stack.configure(targets, `${JSON.stringify([{ targets: NODES.map((port) => `${stack.host}:${port}`) }], null, 2)}\n`)
    return [
      {
        name: 'prometheus',
        command: '/usr/bin/prometheus',
        args: [`--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${stack.own('prometheus', 'data')}`, '--storage.tsdb.retention.time=7d', `--web.listen-address=${stack.host}:${stack.port('prometheus')}`]
      }
    ]
  },

  probe: (stack) => answersHttp(`${url(stack)}/-/ready`),

  environment: (stack) => ({ PROMETHEUS_URL: url(stack) })
}
