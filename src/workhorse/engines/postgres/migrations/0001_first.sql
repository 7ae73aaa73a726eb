-- Version 1 of the schema. `workhorse.` is replaced by the name of the schema in use: nothing depends on a search path.
-- Times are microseconds since the epoch, by this server's clock. A migration is never changed once released: the next one is a
-- new file. Versions of Workhorse share a server while they are rolled out: a table only gets columns that have a default, and a
-- function that must take or return something else gets a new name.
-- Locks are taken in one order: jobs by seq, facts by key, lanes by key, parked jobs (only by who holds their lane's row, and never
-- waiting), unique keys by key.

create table workhorse.about (name text collate "C" primary key, value bigint not null);
insert into workhorse.about (name, value) values ('schema', 1);

create table workhorse.jobs (
    seq      bigint generated always as identity primary key,   -- the order of acceptance
    due      bigint not null default (extract(epoch from statement_timestamp()) * 1000000)::bigint,
                                                -- live: may be claimed; parked: its own time; ended: may be pruned
    token    bigint not null default 0,         -- of the claim that holds it; 0: nobody
    lease    bigint not null default 0,         -- until then it is not claimed again; in no index, so that a claim need not change any
    accepted bigint not null default (extract(epoch from statement_timestamp()) * 1000000)::bigint,   -- stable: COPY stays fast
    attempt  integer not null default 1,
    crashes  integer not null default 0,
    priority smallint not null,
    state    smallint not null default 0,       -- 0 live (waiting or held), 1 parked, 2 succeeded, 3 dead, 4 cancelled
    rank     smallint not null default 0,       -- among the parked of its lane, before seq: 0 in ordered lanes, else the negative priority
    cancel   boolean not null default false,
    slot     boolean not null default false,    -- whether it holds a slot of its lane
    id       text collate "C" not null unique,
    queue    text collate "C" not null,
    task     text collate "C" not null,
    expires  bigint,                            -- from here on often null: what stands before is found faster
    ended    bigint,
    worker   integer,
    lane     text collate "C",
    ukey     text collate "C",
    reason   text,
    trail    bytea,
    extra    bytea,                             -- JSON: the rest of the envelope, where it is not all defaults
    payload  bytea not null                     -- a large one is kept outside the row: an update does not copy it
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);              -- room on its page for the row as it is claimed

create index jobs_due on workhorse.jobs (queue, priority, due) where state = 0;
create index jobs_parked on workhorse.jobs (lane, rank, seq) where state = 1;
create index jobs_ended on workhorse.jobs (state, due) where state > 1;
create index jobs_lane on workhorse.jobs (lane) where lane is not null;

create table workhorse.workers (
    id   integer generated always as identity primary key,
    name text collate "C" not null unique
);

create table workhorse.paused (queue text collate "C" primary key);

create table workhorse.bindings (
    topic    text collate "C" not null,
    queue    text collate "C" not null,
    priority smallint,
    expires  double precision,                  -- seconds
    primary key (topic, queue)
);

create table workhorse.lanes (
    lane    text collate "C" primary key,
    width   integer,                            -- null: a rate alone
    ordered boolean not null,
    every   bigint not null,
    burst   integer not null,
    taken   integer not null default 0,         -- slots
    free_at bigint not null default 0           -- when the rate has caught up with what was charged
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

-- Lanes that a caller's own transaction put jobs into, with their numbers; a lane may be here often, so that no caller waits for another.
create table workhorse.asking (
    seq     bigint generated always as identity primary key,
    lane    text collate "C" not null,
    width   integer,
    ordered boolean not null,
    every   bigint not null,
    burst   integer not null
);

create table workhorse.uniques (
    ukey   text collate "C" primary key,
    id     text collate "C" not null,
    until  smallint not null,                   -- freed when its job is: 0 claimed, 1 settled, 2 no longer kept
    within bigint not null,                     -- and not before this moment
    freed  boolean not null default false
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

create index uniques_freed on workhorse.uniques (within) where freed;

create sequence workhorse.versions;             -- of facts: one that a key had never comes back

create table workhorse.facts (
    key     text collate "C" primary key,
    value   bytea not null,
    version bigint not null,
    expires bigint
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);

create function workhorse.now_us() returns bigint language sql volatile parallel safe as $$
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint
$$;
