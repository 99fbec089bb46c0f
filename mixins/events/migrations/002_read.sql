-- What a member of a group may take now: of each partition that it names, the events of the topic whose first one is oldest (one index
-- probe per topic finds it), or of every topic where they are `independent`. A batch ends before an event whose aggregate has an
-- earlier one waiting in another topic: so events of one aggregate come in their order although no log promises that between topics,
-- and a handler that must reject an event that comes too early seldom has to. The first event always goes, whatever waits: repeats in
-- the log could make two topics wait for each other.
-- A function, because planning this costs several times what running it does; its settings, because the plan is kept while the log
-- grows from nothing to millions.
CREATE FUNCTION log.read("group" text, topics text[], partitions smallint[], batches int[], independent boolean)
  RETURNS TABLE (topic text, partition smallint, "position" bigint, "offset" bigint, id text, aggregate text, number bigint, at timestamptz, body json)
  LANGUAGE plpgsql STABLE
  SET plan_cache_mode = force_generic_plan
  SET enable_seqscan = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH wanted AS MATERIALIZED (
    SELECT w.topic, w.partition, w.batch, o.next, head.at, head.id FROM unnest(topics, partitions, batches) AS w (topic, partition, batch)
    JOIN log.position o ON o."group" = read."group" AND o.topic = w.topic AND o.partition = w.partition
    CROSS JOIN LATERAL (SELECT e.at, e.id FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition AND e."offset" >= o.next ORDER BY e."offset" LIMIT 1) head),
  chosen AS MATERIALIZED (
    SELECT DISTINCT ON (w.partition, CASE WHEN independent THEN w.topic END) * FROM wanted w ORDER BY w.partition, CASE WHEN independent THEN w.topic END, w.at, w.id),
  event AS (
    SELECT c.next AS "position", e.* FROM chosen c
    CROSS JOIN LATERAL (SELECT * FROM log.event e WHERE e.topic = c.topic AND e.partition = c.partition AND e."offset" >= c.next ORDER BY e."offset" LIMIT c.batch) e),
  elsewhere AS (
    SELECT c.topic AS for_topic, c.partition, e.aggregate, e.number FROM chosen c
    JOIN wanted o ON NOT independent AND c.batch > 1 AND o.partition = c.partition AND o.topic <> c.topic
    CROSS JOIN LATERAL (SELECT e.aggregate, e.number FROM log.event e WHERE e.topic = o.topic AND e.partition = o.partition AND e."offset" >= o.next ORDER BY e."offset" LIMIT o.batch) e),
  marked AS (
    SELECT *, min(both_kinds.number) FILTER (WHERE both_kinds."offset" IS NULL) OVER (PARTITION BY both_kinds.topic, both_kinds.partition, both_kinds.aggregate) AS earlier,
      min(both_kinds."offset") OVER (PARTITION BY both_kinds.topic, both_kinds.partition) AS first
    FROM (
      SELECT e.topic, e.partition, e."position", e."offset", e.id, e.aggregate, e.number, e.at, e.body FROM event e
      UNION ALL SELECT x.for_topic, x.partition, NULL, NULL, NULL, x.aggregate, x.number, NULL, NULL FROM elsewhere x) both_kinds),
  bounded AS (
    SELECT *, min(m."offset") FILTER (WHERE m.earlier < m.number AND m."offset" > m.first) OVER (PARTITION BY m.topic, m.partition) AS cut FROM marked m WHERE m."offset" IS NOT NULL)
  SELECT b.topic, b.partition, b."position", b."offset", b.id, b.aggregate, b.number, b.at, b.body FROM bounded b WHERE b.cut IS NULL OR b."offset" < b.cut ORDER BY b.topic, b.partition, b."offset";
END $$;
