-- Undoes the statement that calls it unless what it expected came about.
CREATE FUNCTION inventory.expect(met boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT met THEN RAISE EXCEPTION 'a row was not as expected' USING ERRCODE = 'serialization_failure'; END IF;
  RETURN true;
END $$;
