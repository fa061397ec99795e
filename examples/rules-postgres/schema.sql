CREATE TABLE messages (
  id text PRIMARY KEY,
  tenant text NOT NULL,
  topic text NOT NULL,
  published_at timestamptz NOT NULL,
  client_id text,
  payload jsonb NOT NULL
);
CREATE INDEX messages_by_topic ON messages (tenant, topic, published_at);
