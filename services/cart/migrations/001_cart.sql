-- schema: cart
-- uses: actor, outbox, idempotency

-- A cart is an actor: one row of cart.actor, type 'cart'. Nothing else is stored.
