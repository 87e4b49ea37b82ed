#!/bin/sh
# Makes Temporal's two databases, or brings their schemas up to this version; a second run changes nothing.
set -eu
for pair in temporal:temporal temporal_visibility:visibility; do
  db=${pair%%:*}
  folder=${pair##*:}
  temporal-sql-tool --db "$db" create
  temporal-sql-tool --db "$db" setup-schema --version 0.0 || echo "schema of $db is there"
  temporal-sql-tool --db "$db" update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$folder/versioned"
done
