import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import type { PictureName, Tint } from './catalogue/products.ts'

const require = createRequire(import.meta.url)

/** Pixels a side. */
const SIDE = 560

const GROUNDS: Record<Tint, readonly [near: string, far: string]> = { warm: ['#fffaf3', '#f3d9bd'], cool: ['#f7fbff', '#c6dbea'], neutral: ['#fdfcfa', '#dcd8d0'] }

/** Bodies of icons by name: Fluent Emoji Flat by Microsoft (MIT), as SVG of 32 units a side. */
export type Icons = ReadonlyMap<string, string>

/** Reads these icons; the file holds thousands, so it is let go at once. Throws when one is missing. */
export function readIcons(names: Iterable<string>): Icons {
  const file = require.resolve('@iconify-json/fluent-emoji-flat/icons.json')
  const { icons } = JSON.parse(readFileSync(file, 'utf8')) as { icons: Record<string, { body: string }> }
  return new Map(
    [...names].map((name) => {
      const icon = icons[name]
      if (!icon) throw new Error(`there is no icon "${name}"`)
      return [name, icon.body]
    })
  )
}

/** The picture of a product: its icon, standing on a softly lit ground. The same bytes each time, so it is stored once. */
export async function drawPicture(icons: Icons, { icon, tint }: PictureName): Promise<Buffer> {
  const [near, far] = GROUNDS[tint]
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" width="${SIDE}" height="${SIDE}">
<defs><radialGradient id="ground" cx="50%" cy="40%" r="72%"><stop offset="0" stop-color="${near}"/><stop offset="1" stop-color="${far}"/></radialGradient></defs>
<rect width="48" height="48" fill="url(#ground)"/><ellipse cx="24" cy="40" rx="12" ry="1.6" fill="#3b2f20" opacity="0.14"/><g transform="translate(8 7)">${icons.get(icon)!}</g></svg>`
  return sharp(Buffer.from(svg)).png({ compressionLevel: 1 }).toBuffer()
}
