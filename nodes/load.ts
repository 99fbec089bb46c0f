import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ServiceBroker, ServiceSchema } from 'moleculer'

const services = new URL('../services/', import.meta.url)

/** File of a service by its name: `cart` is services/cart/cart.service.ts (a face), `cart.worker` is services/cart/cart.worker.ts. A `file:` URL stands for itself. */
function fileOf(name: string): URL {
  if (name.startsWith('file:')) return new URL(name)
  const [domain] = name.split('.')
  return new URL(`${domain}/${name.includes('.') ? name : `${name}.service`}.ts`, services)
}

/** Loads services by name into a broker. Throws one clear line for a name that is no service. */
export async function loadServices(broker: ServiceBroker, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = fileOf(name)
    if (!existsSync(file)) throw new Error(`there is no service "${name}": ${fileURLToPath(file)} does not exist`)
    const module = (await import(file.href)) as { default: ServiceSchema }
    broker.createService(module.default)
  }
}
