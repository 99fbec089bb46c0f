-- One database for each service that is not sharded.
CREATE DATABASE souk_auth;
CREATE DATABASE souk_carrier;
CREATE DATABASE souk_cart;
CREATE DATABASE souk_indexer;
CREATE DATABASE souk_inventory;
CREATE DATABASE souk_logistics;
CREATE DATABASE souk_payment;
CREATE DATABASE souk_pricing;
CREATE DATABASE souk_product;
CREATE DATABASE souk_provider;
CREATE DATABASE souk_seller;
