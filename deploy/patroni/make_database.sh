#!/bin/sh
# Called once by Patroni, on the first leader, with the superuser's connection string.
set -eu
: "${TANSIQ_PARTY:?is the name of the role and of the database}"
: "${TANSIQ_DATABASE_PASSWORD:?is the password of the node}"
exec psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  --set party="$TANSIQ_PARTY" --set password="$TANSIQ_DATABASE_PASSWORD" "$1" <<'SQL'
CREATE ROLE :"party" LOGIN PASSWORD :'password';
CREATE DATABASE :"party" OWNER :"party" TEMPLATE template0
  ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8';
SQL
