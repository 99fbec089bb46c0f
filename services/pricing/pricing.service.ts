import { call } from '../../mixins/runtime/calls.ts'
import { publicAction, service } from '../../mixins/runtime/service.ts'
import { pricingActions as contracts } from './pricing.contract.ts'

/** The face of pricing: what administrators do with coupons. Prices themselves are asked for through the order's quote. */
export default service({
  name: 'pricing',
  dependencies: ['pricing.worker'],

  actions: {
    createCoupon: publicAction(
      contracts['pricing.createCoupon'],
      { rest: 'POST /coupons', auth: ['admin'], summary: 'Creates a coupon: a percentage or an amount off the goods', status: 201, idempotent: 'honoured', problems: ['conflict'] },
      (ctx) => call(ctx, 'pricing.worker.createCoupon', ctx.params)
    ),

    listCoupons: publicAction(contracts['pricing.listCoupons'], { rest: 'GET /coupons', auth: ['admin'], summary: 'Coupons by code' }, (ctx) =>
      call(ctx, 'pricing.worker.listCoupons', ctx.params)
    )
  }
})
