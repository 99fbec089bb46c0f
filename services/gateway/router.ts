import { problem } from '../../mixins/primitives/problem.ts'

interface Node<T> {
  fixed: Map<string, Node<T>>
  param: Node<T> | null
  /** By method; `names` are the path's parameters in order. */
  targets: Map<string, { target: T; names: readonly string[] }>
}

export interface Match<T> {
  target: T
  params: Record<string, string>
}

const node = <T>(): Node<T> => ({ fixed: new Map(), param: null, targets: new Map() })

/** Decodes one segment of a path; throws `bad-request` for a broken escape. */
function decode(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    throw problem('bad-request', 'The path holds a broken percent escape.')
  }
}

/**
 * Finds what serves a method and path in time of the path's length, however many routes there are. Paths are segments, `{name}`
 * stands for one of any text; a fixed segment wins over a parameter. HEAD is served as GET.
 */
export class Router<T> {
  readonly #root = node<T>()

  /** Adds or replaces a target. */
  add(method: string, path: string, target: T): void {
    let at = this.#root
    const names: string[] = []
    for (const segment of path.split('/').filter(Boolean)) {
      const name = /^\{(\w+)\}$/.exec(segment)?.[1]
      if (name) {
        names.push(name)
        at = at.param ??= node()
      } else {
        let next = at.fixed.get(segment)
        if (!next) at.fixed.set(segment, (next = node()))
        at = next
      }
    }
    at.targets.set(method, { target, names })
  }

  /**
   * The target of a method and path; null when no route has this path. Throws `method-not-allowed` with the member `allow` when
   * other methods do.
   */
  find(method: string, path: string): Match<T> | null {
    const values: string[] = []
    const found = this.#walk(path, values)
    if (!found) return null
    const hit = found.targets.get(method) ?? (method === 'HEAD' ? found.targets.get('GET') : undefined)
    if (!hit) throw problem('method-not-allowed', `This path takes ${methodsOf(found).join(', ')}.`, { allow: methodsOf(found) })
    const params: Record<string, string> = {}
    for (let i = 0; i < hit.names.length; i++) params[hit.names[i]!] = decode(values[i]!)
    return { target: hit.target, params }
  }

  /** Methods that a path takes; empty when there is no such path. */
  methods(path: string): string[] {
    const found = this.#walk(path, [])
    return found ? methodsOf(found) : []
  }

  #walk(path: string, values: string[]): Node<T> | null {
    const segments = path.split('/')
    if (segments[0] === '') segments.shift()
    if (segments.at(-1) === '') segments.pop()
    return descend(this.#root, segments, 0, values)
  }
}

/** Tries fixed segments first and comes back for a parameter, so that `/orders/me` beside `/orders/{id}/lines` finds both. */
function descend<T>(at: Node<T>, segments: readonly string[], i: number, values: string[]): Node<T> | null {
  if (i === segments.length) return at.targets.size > 0 ? at : null
  const segment = segments[i]!
  const fixed = at.fixed.get(segment)
  const found = fixed ? descend(fixed, segments, i + 1, values) : null
  if (found) return found
  if (!at.param || segment === '') return null
  values.push(segment)
  const other = descend(at.param, segments, i + 1, values)
  if (!other) values.pop()
  return other
}

function methodsOf<T>(at: Node<T>): string[] {
  const methods = [...at.targets.keys()]
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods
}
