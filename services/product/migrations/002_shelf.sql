-- Each seller's list: the products they offer, and those of their own that nobody sells yet, with what lists are sorted by. Written in
-- the commit of whatever changes it, so that a page of the longest list takes its rows from an index.
CREATE TABLE product.shelf (
  seller_id text NOT NULL,
  id text NOT NULL,                         -- of the product
  category text NOT NULL,
  price bigint NOT NULL,
  rating_average double precision NOT NULL,
  PRIMARY KEY (seller_id, id)
) WITH (fillfactor = 80);
INSERT INTO product.shelf
  SELECT o.seller_id, p.id, p.category, p.price, p.rating_average FROM product.product p JOIN product.offer o ON o.product_id = p.id AND o.active WHERE p.status = 'active'
  UNION
  SELECT owner_seller_id, id, category, price, rating_average FROM product.product WHERE status = 'active' AND offer_id IS NULL AND owner_seller_id IS NOT NULL;
CREATE INDEX shelf_product ON product.shelf (id);
CREATE INDEX shelf_price ON product.shelf (seller_id, price, id);
CREATE INDEX shelf_rating ON product.shelf (seller_id, rating_average, id);
-- One leaf of one seller is short enough to be sorted.
CREATE INDEX shelf_category ON product.shelf (seller_id, category, id) INCLUDE (price, rating_average);
DROP INDEX product.product_unsold, product.offer_seller;
