-- schema: carrier
-- uses: inbox

-- What the demo carrier is going to report; gone once it was taken or finally refused.
CREATE TABLE carrier.report (
  shipment_id text NOT NULL,
  n smallint NOT NULL,
  status text NOT NULL,
  at timestamptz NOT NULL,                                -- when it happens
  due timestamptz NOT NULL,                               -- when it is (next) reported
  place text NOT NULL,
  PRIMARY KEY (shipment_id, n)
);
CREATE INDEX report_due ON carrier.report (due);
