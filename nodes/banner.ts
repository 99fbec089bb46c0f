/** What a person who has just started a node wants to know: where it is, whom to be, what to try. */
export interface BannerOptions {
  address: string | null
  operations: string
  demo: boolean
  dataDir: string
  elapsed: string
}

const DEMO_ACCOUNTS = ['shopper@souk.example', 'seller@souk.example', 'admin@souk.example', 'carrier@souk.example']
const DEMO_PASSWORD = 'souk-demo-2026'
const DEMO_COUPON = 'SOUK10'

const tries = (address: string): string[] => [
  'Try:',
  `  curl '${address}/api/v1/search?q=coffee&limit=3'`,
  `  curl -X POST ${address}/api/v1/auth/login -H 'Content-Type: application/json' -d '{"email":"${DEMO_ACCOUNTS[0]}","password":"${DEMO_PASSWORD}"}'`,
  `  curl -i -X POST ${address}/api/v1/cart/lines -H 'Content-Type: application/json' -d "{\\"offerId\\":\\"$(curl -s '${address}/api/v1/products?limit=1' | sed 's/.*"offerId":"\\([^"]*\\)".*/\\1/')\\",\\"quantity\\":1}"`
]

export function banner({ address, operations, demo, dataDir, elapsed }: BannerOptions): string {
  return [
    '',
    address ? `Souk serves at ${address} after ${elapsed}   (API ${address}/docs)` : `This node serves after ${elapsed}`,
    `Operations: ${operations}/metrics · ${operations}/readyz   REPL: npm run repl   Data: ${dataDir}`,
    ...(demo ? [`Demo accounts: ${DEMO_ACCOUNTS.join(' · ')}`, `               password ${DEMO_PASSWORD}, coupon ${DEMO_COUPON}`] : []),
    ...(address && demo ? ['', ...tries(address)] : []),
    '',
    'Ctrl-C stops it.'
  ].join('\n')
}
