import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Engine } from '../engine.ts'
import { takesConnections } from '../probes.ts'

const template = fileURLToPath(new URL('../../nginx/souk.conf.template', import.meta.url))

/** The site of `souk.conf.template` for these edges: `host:port`, none ever out of use: with few of them, all soon were, and one that cannot be reached says so at once. */
export function nginxSite(text: string, listen: string, edges: readonly string[]): string {
  const servers = edges.map((edge) => `server ${edge} max_fails=0;`).join('\n  ')
  return text.replace('${SOUK_LISTEN}', listen).replace('${SOUK_EDGES}', servers)
}

/** All of nginx's own files in one directory that is not the system's. */
const main = (dir: string): string => `worker_processes auto;
pid ${dir}/nginx.pid;
error_log stderr warn;
daemon off;
events { worker_connections 2048; }
http {
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  include site.conf;
  access_log ${dir}/access.log souk;
}
`

export const nginx: Engine = {
  name: 'nginx',
  title: 'nginx (Debian)',
  byDefault: true,
  needs: [],
  packages: ['nginx-light'],
  ports: { main: 18080 },

  isInstalled: () => existsSync('/usr/sbin/nginx'),
  install: async () => {},

  async configure(stack) {
    const dir = stack.own('nginx')
    stack.configure(`${dir}/site.conf`, nginxSite(readFileSync(template, 'utf8'), `${stack.host}:${stack.port('nginx')}`, stack.edges.map((port) => `${stack.host}:${port}`)))
    const file = stack.configure(`${dir}/nginx.conf`, main(dir))
    return [{ name: 'nginx', command: '/usr/sbin/nginx', args: ['-p', dir, '-e', 'stderr', '-c', file] }]
  },

  /** The edges behind it may be down: that is not its fault. */
  probe: (stack) => takesConnections(stack.host, stack.port('nginx')),

  environment: (stack) => ({ NGINX_URL: `http://${stack.host}:${stack.port('nginx')}` })
}
