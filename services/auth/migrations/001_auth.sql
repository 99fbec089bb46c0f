-- schema: auth
-- uses: outbox, idempotency
-- People, what they sign in with, their sessions, addresses and API keys. The keys store holds a copy of who is signed in; this is the truth.
CREATE TABLE auth.person (
  id text PRIMARY KEY,                     -- UUIDv7
  email text NOT NULL,                     -- as it was typed
  email_key text NOT NULL UNIQUE,          -- normalised: what accounts are told apart by
  name text NOT NULL,
  password_hash text NOT NULL,             -- PHC string, argon2id
  roles text[] NOT NULL,
  site text NOT NULL,                      -- home site: the person's cart and orders are written there
  version bigint NOT NULL DEFAULT 1,       -- grows when roles change; copies in the keys store are compared by it
  subscription jsonb,
  subscription_version bigint NOT NULL DEFAULT 0,
  totp_secret text,                        -- sealed; null: none
  totp_pending text,                       -- sealed; shown, not yet verified
  totp_step bigint NOT NULL DEFAULT 0,     -- last time step whose code was taken: no code serves twice
  demo boolean NOT NULL DEFAULT false,     -- made with a password that everybody knows
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX person_email_prefix ON auth.person (email_key text_pattern_ops);
CREATE INDEX person_demo ON auth.person (id) WHERE demo;

-- A session is one family of refresh tokens: `generation` is that of the one that is good.
CREATE TABLE auth.session (
  id text PRIMARY KEY,
  person_id text NOT NULL REFERENCES auth.person (id),
  generation integer NOT NULL DEFAULT 1,
  rotated_at timestamptz NOT NULL DEFAULT now(),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  ended_at timestamptz,
  address text NOT NULL,
  user_agent text NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX session_person ON auth.session (person_id, id DESC) WHERE ended_at IS NULL;
CREATE INDEX session_expiry ON auth.session (expires_at);

CREATE TABLE auth.address (
  id text PRIMARY KEY,
  person_id text NOT NULL REFERENCES auth.person (id),
  name text NOT NULL,
  line1 text NOT NULL,
  line2 text,
  city text NOT NULL,
  region text NOT NULL,
  postal_code text NOT NULL,
  country text NOT NULL,
  phone text
);
CREATE INDEX address_person ON auth.address (person_id, id);

CREATE TABLE auth.api_key (
  id text PRIMARY KEY,
  person_id text NOT NULL REFERENCES auth.person (id),
  name text NOT NULL,
  digest text NOT NULL UNIQUE,             -- of the whole key; the key itself is nowhere
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,
  removed_at timestamptz
);
CREATE INDEX api_key_person ON auth.api_key (person_id, id) WHERE removed_at IS NULL;

-- Proofs of identity: made by a password or code, held by one order, payment or subscription, spent once.
CREATE TABLE auth.proof (
  digest text PRIMARY KEY,                 -- of the confirmation; the confirmation itself is nowhere
  person_id text NOT NULL,
  session_id text NOT NULL,
  purpose text NOT NULL,
  expires_at timestamptz NOT NULL,
  holder text,                             -- null: free
  amount bigint,                           -- what the holder may move with it
  currency text,
  spent_at timestamptz
) WITH (fillfactor = 60);
CREATE INDEX proof_holder ON auth.proof (holder) WHERE holder IS NOT NULL;
CREATE INDEX proof_expiry ON auth.proof (expires_at);

-- Guests' carts that a sign-in took over and the cart's owner has not confirmed yet.
CREATE TABLE auth.cart_merge (
  cart_id text NOT NULL,
  person_id text NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (cart_id, person_id)
);
CREATE INDEX cart_merge_next ON auth.cart_merge (next_at);
