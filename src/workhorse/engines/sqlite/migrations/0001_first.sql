-- Version 1 of the schema. Every name begins with workhorse_: the file may be the user's own as well.
-- Times are integer microseconds since the epoch. A migration is never changed once released: the next one is a new file.

create table workhorse_jobs (
    seq      integer primary key,          -- the order of acceptance
    id       text not null unique,
    queue    text not null,
    task     text not null,
    priority integer not null,
    state    integer not null default 0,   -- 0 live (waiting or held), 1 parked, 2 succeeded, 3 dead, 4 cancelled
    due      integer not null,             -- live: may be claimed; parked: its own time; ended: may be pruned
    token    integer not null default 0,   -- of the claim that holds it; 0: nobody
    attempt  integer not null default 1,
    crashes  integer not null default 0,
    accepted integer not null,
    expires  integer,
    cancel   integer not null default 0,
    lane     text,
    slot     integer not null default 0,   -- whether it holds a slot of its lane
    rank     integer not null default 0,   -- among the parked of its lane, before seq: 0 in ordered lanes, else the negative priority
    ukey     text,
    ended    integer,
    worker   integer,
    reason   text,
    trail    blob,
    extra    blob,                         -- JSON: the rest of the envelope, where it is not all defaults
    payload  blob                          -- null: in bodies, so that no claim or settle copies a large one
);

create index workhorse_jobs_due on workhorse_jobs (queue, priority, due) where state = 0;
create index workhorse_jobs_parked on workhorse_jobs (lane, rank, seq) where state = 1;
create index workhorse_jobs_ended on workhorse_jobs (state, due) where state > 1;
create index workhorse_jobs_lane on workhorse_jobs (lane) where lane is not null;

create table workhorse_bodies (seq integer primary key, payload blob not null);

create table workhorse_workers (id integer primary key, name text not null unique);

create table workhorse_paused (queue text primary key) without rowid;

create table workhorse_bindings (
    topic    text not null,
    queue    text not null,
    priority integer,
    expires  real,
    primary key (topic, queue)
) without rowid;

create table workhorse_lanes (
    lane    text primary key,
    width   integer,                       -- null: a rate alone
    ordered integer not null,
    every   integer not null,
    burst   integer not null,
    taken   integer not null default 0,    -- slots
    free_at integer not null default 0     -- when the rate has caught up with what was charged
) without rowid;

create table workhorse_asking (lane text primary key) without rowid;   -- lanes that a caller's own transaction put jobs into

create table workhorse_uniques (
    ukey   text primary key,
    id     text not null,
    until  integer not null,               -- freed when its job is: 0 claimed, 1 settled, 2 no longer kept
    within integer not null,               -- and not before this moment
    freed  integer not null default 0
) without rowid;

create index workhorse_uniques_freed on workhorse_uniques (within) where freed = 1;

create table workhorse_facts (
    key     text primary key,
    value   blob not null,
    version integer not null,
    expires integer
) without rowid;

create table workhorse_counters (name text primary key, value integer not null) without rowid;

insert into workhorse_counters (name, value) values ('version', 0), ('schema', 1);
