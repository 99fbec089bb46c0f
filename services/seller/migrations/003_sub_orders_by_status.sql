-- A list of one status reads no others, however many a seller has.
CREATE INDEX sub_order_seller_status ON seller.sub_order (seller_id, status, id DESC);
