-- schema: search
-- The embedded search engine. Each generation of an index has tables of its own, made by the adapter: search.<index>_<slot> and
-- its companions _source, _tag and _word. This file holds what they share.

-- Stems without a list of stop words: "The Who" is found; a query drops them itself where other words are left.
CREATE TEXT SEARCH DICTIONARY search.english_stem (TEMPLATE = snowball, Language = english);
CREATE TEXT SEARCH CONFIGURATION search.english (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION search.english ALTER MAPPING FOR asciiword, word, numword WITH unaccent, search.english_stem;
CREATE TEXT SEARCH CONFIGURATION search.plain (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION search.plain ALTER MAPPING FOR asciiword, word, numword WITH unaccent, simple;

-- One row per generation that exists. An index has one that serves, and at most one being built; they lie in different slots.
CREATE TABLE search.generation (
  index text NOT NULL,
  generation integer NOT NULL,
  slot text NOT NULL CHECK (slot IN ('a', 'b')),
  state text NOT NULL CHECK (state IN ('live', 'building')),
  definition jsonb NOT NULL,              -- the index's definition when its tables were made: they have these columns
  built boolean NOT NULL DEFAULT false,   -- filled by a build; false for the empty one that an index starts with
  touched_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (index, generation),
  UNIQUE (index, state),
  UNIQUE (index, slot)
);
-- Generations are never numbered twice, so that what a thread remembers of one is never taken for another's.
CREATE SEQUENCE search.generation_number AS integer;

-- A word and every form of it with one letter left out. Two words at most one edit apart (a letter more, less or different, or two
-- neighbours swapped) always share one of these; sharing one does not prove it.
CREATE FUNCTION search.deletions(word text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(DISTINCT left(word, i) || substr(word, i + 2)) || word FROM generate_series(0, length(word) - 1) AS i
$$;

-- The stem of one word.
CREATE FUNCTION search.stem(word text) RETURNS text LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce((SELECT min(lexeme) FROM unnest(to_tsvector('search.english', word))), word)
$$;
