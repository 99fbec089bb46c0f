const NAME_WIDTH = 13

const seconds = (since: number): string => `${((performance.now() - since) / 1_000).toFixed(1)} s`

/** A long step while it runs. */
export interface RunningStep {
  /** How far it is, from 0 to 1. */
  at(share: number, note?: string): void
}

/**
 * What a start tells the person who waits for it: one line per step with its time. A step that takes long shows how far it is: in
 * place on a terminal, else every tenth.
 */
export class Progress {
  readonly #out: NodeJS.WriteStream
  readonly #startedAt = performance.now()

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
  }

  line(text = ''): void {
    this.#out.write(`${text}\n`)
  }

  /** Runs a step; its line is written when it ends well, with what `run` answers to say of it. */
  async step(name: string, run: (step: RunningStep) => Promise<string>): Promise<void> {
    const startedAt = performance.now()
    const head = `  ${name.padEnd(NAME_WIDTH)}`
    let tenth = 0
    const at = (share: number, note = ''): void => {
      const percent = `${Math.floor(share * 100)} %`.padStart(5)
      if (this.#out.isTTY) this.#out.write(`\r\u001b[2K${head}${percent} ${note}`)
      else if (share < 1 && Math.floor(share * 10) > tenth) {
        tenth = Math.floor(share * 10)
        this.line(`${head}${percent} ${note}`)
      }
    }
    if (this.#out.isTTY) this.#out.write(`${head}…`)
    try {
      const said = await run({ at })
      if (this.#out.isTTY) this.#out.write('\r\u001b[2K')
      this.line(`${head}${said} · ${seconds(startedAt)}`)
    } catch (error) {
      if (this.#out.isTTY) this.#out.write('\r\u001b[2K')
      throw error
    }
  }

  get elapsed(): string {
    return seconds(this.#startedAt)
  }
}
