-- The accounts and databases of Mailroom and of Prefect, to be run once by an administrator of Postgres:
--   psql -v mailroom_password=… -v prefect_password=… -f databases.sql
-- Each account owns one database and sees nothing of the other.
\set ON_ERROR_STOP on
SELECT format('CREATE ROLE mailroom LOGIN PASSWORD %L', :'mailroom_password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'mailroom') \gexec
SELECT format('CREATE ROLE prefect LOGIN PASSWORD %L', :'prefect_password')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'prefect') \gexec
SELECT 'CREATE DATABASE mailroom OWNER mailroom'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'mailroom') \gexec
SELECT 'CREATE DATABASE prefect OWNER prefect'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'prefect') \gexec
REVOKE CONNECT ON DATABASE mailroom, prefect FROM PUBLIC;
