const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')

/** By somebody who may name att.visit(id, patient_id) and att.plain. */
export const UNGRANTED = lines(String.raw`
select note from att.visit
select * from att.visit
select v from att.visit v
select v.* from att.visit v
select row_to_json(v) from att.visit v
select visit from att.visit
select (v).note from att.visit v
select (select v.note) from att.visit v
select id from att.visit where note like 'canary 8'
select id from att.visit order by note
select id from att.visit group by id, note
select "note" from "att"."visit"
select count(note) from att.visit
select id from att.visit natural join att.child
select id from att.visit join att.patient using (id)
select id from att.visit v where exists (select from att.patient p where p.id = v.id)
with visit as (select name as note from att.patient) select note from visit
with visit as (select 1 as id) select * from att.visit
with x as (table att.patient) select * from x
table att.visit
copy att.visit to stdout
copy att.visit (note) to stdout
copy (select note from att.visit) to stdout
copy (table att.patient) to stdout
copy (delete from att.visit where id = 1 returning note) to stdout
insert into att.plain select id + 100, name from att.patient
insert into att.plain values (1, 'x') on conflict (id) do update set label = (select name from att.patient limit 1)
insert into att.visit values (900, 1, 'x', 'y')
insert into att.visit (id, patient_id) values (902, 1) returning note
insert into att.visit (id, patient_id) values (1, 1) on conflict (id) do update set note = 'z'
insert into att.visit (id, patient_id) values (1, 1) on conflict (id) do update set patient_id = excluded.patient_id where visit.note is null
insert into att.visit (id, patient_id) values (1, 1) on conflict (id) do nothing returning *
update att.visit set note = 'x' where id = 1
update att.visit set patient_id = 3 where id = 1 returning note
update att.visit set patient_id = 3 where note = 'canary 1'
update att.visit set patient_id = (select length(name) from att.patient where id = 1) where id = 1
update att.visit set patient_id = p.id from att.patient p where p.id = visit.id
delete from att.visit where id = 2
delete from att.visit where id = 2 returning *
delete from att.visit using att.patient p where p.id = visit.id
merge into att.visit v using att.plain p on v.id = p.id when matched and v.note is null then update set patient_id = 1
merge into att.visit v using att.patient p on v.id = p.id when matched then update set patient_id = 1
merge into att.plain t using att.plain p on t.id = p.id when not matched then do nothing when matched then update set label = 'q' returning (select name from att.patient limit 1)
merge into att.visit v using att.plain p on v.id = p.id when matched then update set patient_id = v.patient_id returning v.*
truncate att.visit
truncate att.patient
select setval('att.seq', 5)
select last_value from att.seq
select * from att.f()
select att.g(3)
select * from att.v
select * from att.v_inv
select * from att.m
refresh materialized view att.m
select * from att.child
select extra from att.child
select note from att.part
select * from att.part_8
select query_to_xml('select * from att.patient', true, true, '')
select table_to_xml('att.patient', true, true, '')
select schema_to_xml('att', true, true, '')
select database_to_xml(true, true, '')
select cursor_to_xml('c', 10, true, true, '')
select json_agg(v) from att.visit v
select array_agg(v.note) from att.visit v
select jsonb_build_object('a', v) from att.visit v
select v::text from att.visit v
select v = v from att.visit v
select v is null from att.visit v
select count(v) from att.visit v
select hashtext(v::text) from att.visit v
select id from att.visit v where v::text like '%canary 8%'
select id from att.visit v order by v
select distinct v from att.visit v
select coalesce(v.note, '') from att.visit v
select note(v) from att.visit v
select v.name from att.visit v
select name(v) from att.visit v
select text(v) from att.visit v
select most_common_vals from pg_stats where schemaname = 'att'
select stavalues1 from pg_statistic
select query from pg_stat_activity
select * from pg_cursors
select * from pg_prepared_statements
explain select note from att.visit
explain analyze select note from att.visit
explain (verbose) select * from att.patient
declare c cursor for select note from att.visit
declare c cursor with hold for select name from att.patient
prepare x as select note from att.visit
prepare x as select name from att.patient; execute x
prepare y (int) as select id from att.visit where id = $1 and note is not null; execute y(1)
create temp table t as select * from att.patient
create temp table t2 as select id from att.visit; select * from t2
create temp view tv as select * from att.patient; select * from tv
select * into temp t3 from att.patient
create table att.copy as select id from att.visit
create view att.vv as select * from att.patient
create index on att.visit (note)
alter table att.visit rename column note to id2
alter table att.visit add column z text
comment on column att.visit.note is 'x'
analyze att.patient
select * from att.visit v(id)
select c from att.visit v(a, b, c, d)
select v.c from (select * from att.visit) v(a, b, c, d)
select id from (select id, note from att.visit) x
select x.id from att.visit as x left join lateral (select p.name from att.patient p where p.id = x.id) y on true
select id from att.visit where (id, patient_id) in (select id, length(name) from att.patient)
select id from att.visit where note = any (array['canary 8'])
select id from att.visit window w as (order by note)
select id, rank() over (order by note) from att.visit
select id, count(*) filter (where note = 'canary 8') from att.visit group by id
select grouping(note) from att.visit group by rollup(note)
select id from att.visit union select id from att.patient
select id from att.visit intersect select id from att.patient
values ((select name from att.patient limit 1))
select 1 limit (select count(*) from att.patient)
select generate_series(1, (select max(id) from att.patient))
select * from generate_series(1, (select max(id) from att.patient))
select id from att.visit where current_setting('x.y', true) is null
select xmlelement(name a, v.note) from att.visit v
select * from json_table((select to_json(v) from att.visit v limit 1), '$' columns (note text))
select json_object('a': v.note) from att.visit v
select json_object(v.id::text: v.*) from att.visit v
select ROW(v.*) from att.visit v
select ROW(v.*)::text from att.visit v
select (v.*) is distinct from null from att.visit v
select format('%s', v) from att.visit v
select concat(v) from att.visit v
select num_nulls(v.note) from att.visit v
select num_nulls(variadic array[v.note]) from att.visit v
select a.id from att.visit a where a in (select b from att.visit b)
select id from att.visit where id = 1; select name from att.patient
set search_path = att; select note from visit
set search_path = att; select visit from visit
set search_path = att; select * from patient
select id from att.visit where ctid in (select ctid from att.patient)
select id from att.visit limit (select length(note) from att.visit limit 1)
select id from att.visit where ts_rank(to_tsvector(note), to_tsquery('canary')) > 0
alter sequence att.seq restart
create function att.h() returns text language sql as 'select name from att.patient limit 1'
create trigger t after insert on att.plain execute function att.h()
insert into att.visit default values
insert into att.visit values (default, default)
insert into att.visit select 903, 1
insert into att.visit select 904, 1, 'n'
insert into att.visit table att.visit
update att.visit v set (patient_id, note) = (1, 'x') where id = 1
update att.visit set id = id where id = 1 returning old.note
update att.visit set id = id where id = 1 returning with (old as o, new as n) o.*
copy att.visit from stdin
copy att.visit (id, note) from stdin
select pg_notify('a', (select name from att.patient limit 1))
select set_config('a.b', (select name from att.patient limit 1), false)
`)

/** By the same. */
export const GRANTED = lines(String.raw`
select id from only att.visit
select id from att.visit tablesample system (100)
select count(*) from pg_catalog.pg_class
select a from att.visit v(a, b, c, d)
select id from att.visit for update
`)

/** With a token for patient 7. */
export const OUTSIDE = lines(String.raw`
select name from att.patient where id = 7 or true
select name from att.patient where id = 7 or id = 8
select name from att.patient where id = 8
select name from att.patient where id in (7, 8)
select name from att.patient where not (id <> 8)
select name from att.patient where id = 7 is not true
select name from att.patient where (id = 7) is null or id = 8
select name from att.patient where case when id = 7 then true else true end
select name from att.patient where id = 7.0
select name from att.patient where id = 7::text::int
select name from att.patient where id = '8'::int - 1
select name from att.patient where id = 7 + 1
select name from att.patient where id = 0x7
select name from att.patient where id = 0b111
select name from att.patient where id = 0o7
select name from att.patient where id = 0_7
select name from att.patient where id = 1_7
select name from att.patient where id = E'\x37'
select name from att.patient where id = E'\70'
select name from att.patient where id = U&'\0037'
select name from att.patient where id = U&'!0038' UESCAPE '!'
select name from att.patient where id = '0x8'
select name from att.patient where id = '0b1000'
select name from att.patient where id = '1_2'
select name from att.patient where id = $$7$$
select name from att.patient where id = bit '111'::int
select name from att.patient where id = B'1000'::int
select name from att.patient where id = X'8'::int
select name from att.patient where id = -(-7)
select name from att.patient where id = - -8
select name from att.patient where id = +7
select name from att.patient where id = 7 and id = 7 or id = 8
select name from att.patient p where p.id = 7 union all select name from att.patient
select p.name, q.name from att.patient p, att.patient q where p.id = 7
select p.name, q.name from att.patient p join att.patient q on true where p.id = 7
select p.name, q.name from att.patient p right join att.patient q on q.id = p.id where p.id = 7
select p.name, q.name from att.patient p right join att.patient q on q.id = p.id and p.id = 7
select p.name, q.name from att.patient p full join att.patient q on q.id = p.id and p.id = 7
select p.name, q.name from att.patient p full join att.patient q on q.id = p.id where p.id = 7
select p.name, q.name from att.patient p full join att.patient q using (id) where id = 7
select q.name from att.patient p left join att.patient q on p.id = 7
select q.name from att.patient p cross join lateral (select * from att.patient r where r.id > p.id) q where p.id = 7
select (select name from att.patient q where q.id = 8) from att.patient p where p.id = 7
select (select string_agg(name, ',') from att.patient) from att.patient p where p.id = 7
select name from att.patient p where p.id = 7 and exists (select from att.patient q where q.id = 8 and q.name like 'c%')
select name from att.patient p where p.id = (select 7)
select name from att.patient p where p.id = (select id from att.plain where id = 8)
select name from att.patient p where p.id in (select patient_id from att.visit where note like 'canary 8')
select name from att.patient p where p.id not in (select 7)
select name from att.patient p where (p.id, p.site) = (7, 'a')
select name from att.patient p where (p.id, p.site) in ((7, 'a'))
select name from att.patient p where row(p.id) = row(7)
select name from att.patient where id between 7 and 7
select name from att.patient where id >= 7 and id <= 7
select name from att.patient where id = (values (8))
select name from (select * from att.patient limit 8) p where id = 7
select name from (select id + 1 as id, name from att.patient) p where id = 7
select name from (select 7 as id, name from att.patient) p where id = 7
select name from (select id as x, site as id, name from att.patient) p where p.id = '7'
select name from (select id, name from att.patient union all select 7, name from att.patient) p where id = 7
select name from (select id, max(name) over () as name from att.patient) p where id = 7
select name from (select id, lag(name) over (order by id) as name from att.patient) p where id = 7
select name from (select id, lag(name) over (partition by id) as name from att.patient) p where id = 7
select name from (select distinct on (site) id, name from att.patient order by site, id desc) p where id = 7
select x from (select max(id) id, array_agg(name) x from att.patient) p where id = 7
select x from (select 7 id, array_agg(name) x from att.patient) p where id = 7
with p as (select * from att.patient) select name from p where id = 7 union all select name from p
with recursive p as (select id, name from att.patient where id = 7 union all select q.id, q.name from att.patient q, p where q.id = p.id + 1) select name from p
with p as (select id, name from att.patient), q as (select name from p) select q.name from p, q where p.id = 7
with x as (update att.patient set site = 'z' where id = 8 returning name) select name from att.patient where id = 7
with x as (delete from att.visit returning note) select name from att.patient where id = 7
select note from att.v where id = 8
select * from att.m where id = 7
select * from att.m
select note from att.part_8
select note from att.child
select note from att.lonely where patient_id = '8'
select note from att.lonely where patient_id = '7 '
select note from att.lonely where patient_id like '7'
select note from att.lonely where patient_id = '7'::char(1)
select note from att.lonely where patient_id = '78'::varchar(1)
select note from att.lonely where patient_id = '8' collate "C"
select note from att.lonely where patient_id::int = 7
select line from att.call where id = 7
select line from att.call
select c.line from att.call c join att.patient p on p.id = c.id where p.id = 7
select count(*) from att.patient
select id from att.patient
select max(id) from att.visit
select site from att.patient where id = 8
select site from att.patient
table att.patient
copy att.patient to stdout
copy (select * from att.patient) to stdout
copy att.patient from stdin
select att.g(8)
select * from att.f()
select * from att.f() where id = 7
select query_to_xml('select * from att.patient', true, true, '')
insert into att.visit values (501, 8, 'x', 's')
insert into att.visit values (502, 7, 'x', 's'), (503, 8, 'x', 's')
insert into att.visit (id, note) values (504, 'x')
insert into att.visit (id, patient_id) values (505, null)
insert into att.visit (id, patient_id) values (506, default)
insert into att.visit select 507, 8, name, 's' from att.patient where id = 7
insert into att.visit select 508, 7, name, 's' from att.patient where id = 8
insert into att.visit select id + 600, id, name, 's' from att.patient
insert into att.visit values (8, 7, 'x', 's') on conflict (id) do update set note = 'taken'
insert into att.visit values (8, 7, 'x', 's') on conflict (id) do update set note = 'taken' returning *
insert into att.visit values (8, 7, 'x', 's') on conflict (id) do update set note = att.visit.note || 'x' where att.visit.note like '%8' returning note
insert into att.patient values (8, 'q') on conflict (id) do update set name = 'taken' returning name
insert into att.patient values (7, 'q') on conflict (id) do update set name = 'own'
insert into att.patient values (700, 'q')
insert into att.plain select id + 9000, name from att.patient where id = 8
insert into att.plain select id + 9100, line from att.call
insert into att.call values (700, 'x')
update att.patient set name = 'bad' where id = 8
update att.patient set name = 'bad'
update att.patient set id = 77 where id = 7
update att.visit set patient_id = 7 where id = 8
update att.visit set patient_id = 7 where id = 8 returning note
update att.visit set patient_id = 8 where patient_id = 7
update att.visit set patient_id = patient_id + 1 where patient_id = 7
update att.visit v set note = 'bad' from att.patient p where p.id = 7
update att.visit v set note = p.name from att.patient p where v.patient_id = 7
update att.visit v set note = p.name from att.patient p where v.patient_id = 7 returning p.*
update att.call set line = 'bad'
update att.part set patient_id = 7 where patient_id = 8 returning *
delete from att.visit where patient_id = 8
delete from att.visit where patient_id = 7 or true
delete from att.visit
delete from att.visit v using att.patient p where p.id = 7
delete from att.visit v using att.patient p where p.id = 7 returning v.*
truncate att.visit
merge into att.visit v using att.patient p on v.patient_id = p.id and p.id = 7 when matched then update set note = 'bad'
merge into att.visit v using (select 7 as id) s on v.patient_id = s.id when matched then update set note = 'q' when not matched by source then delete
merge into att.visit v using (select 7 as id) s on v.patient_id = s.id when not matched by source then update set note = 'bad' returning v.*
merge into att.visit v using att.plain p on v.id = p.id and v.patient_id = 7 when not matched then insert values (p.id + 800, 8, 'bad', 's')
declare c cursor for select name from att.patient
prepare x as select name from att.patient; execute x
prepare x as select name from att.patient where id = 7; execute x
prepare x (int) as select name from att.patient where id = $1; execute x(7)
prepare x (int) as select name from att.patient where id = $1; execute x(8)
prepare x (text) as select note from att.lonely where patient_id = $1; execute x('8')
prepare x (text) as select note from att.lonely where patient_id = $1; execute x('7')
explain analyze select name from att.patient
explain select name from att.patient where id = 8
explain (analyze) delete from att.visit where patient_id = 8
create temp table t as select * from att.patient
create temp table t as select * from att.patient where id = 7; select * from t
create temp table patient (id int, name text); set search_path = pg_temp, att; select name from patient where id = 7
create temp view tv as select * from att.patient; select * from tv where id = 7
set search_path = att; select name from patient where id = 7
set search_path = att; select name from patient where id = 8
select name from att.patient where id = 7; select name from att.patient where id = 8
select most_common_vals from pg_stats where schemaname = 'att'
select p.* from att.patient p natural join att.visit v where p.id = 7
select v.note from att.patient p natural join att.visit v where p.id = 7
select v.note from att.patient p join att.visit v using (id) where p.id = 7
select v.note from att.patient p left join att.visit v on v.patient_id = p.id and p.id = 7
select v.note from att.visit v left join att.patient p on v.patient_id = p.id where p.id = 7
select v.note from att.visit v left join att.patient p on v.patient_id = p.id and p.id = 7
select v.note from att.visit v where exists (select from att.patient p where p.id = 7 and p.id = v.patient_id)
select v.note from att.visit v where exists (select from att.patient p where p.id = 7)
select id, name from att.patient group by id, name having id = 7
select name from att.patient where id = 7 group by name having (select count(*) from att.patient q) > 0
select name from att.patient p where id = coalesce(7, id)
select name from att.patient p where id = nullif(7, 0)
select name from att.patient p where id operator(pg_catalog.<>) 7
select name from att.patient p where true = (id = 7)
select name from att.patient p where (id = 7) = false
select name from att.patient p where id is not distinct from 7
select name from att.patient p where id = all (array[7])
select name from att.patient p where id = any (array[7] || 8)
select name from att.patient p where id = any (array[array[7, 8]])
select name from att.patient p where id = any ('{7,8}'::int[])
select name from att.patient p where id = any ('[0:1]={7,8}'::int[])
select name from att.patient p where id = any ('{{7},{8}}')
select name from att.patient p where id = any (string_to_array('7', ',')::int[])
select name from (values (7)) x(i), att.patient p where p.id = x.i
select name from (values (7),(8)) x(i), att.patient p where p.id = x.i
select name from generate_series(7, 7) x(i), att.patient p where p.id = x.i
select x from att.patient p(a, x) where p.x = '7'
select site from att.patient p(name, id, site) where site = '7'
select p.name from att.patient q, att.patient p where q.id = 7 and p.id <> q.id
select p.name from (att.patient p cross join att.patient q) where q.id = 7
select j.name from (att.patient p join att.visit v on p.id = v.patient_id) as j where j.id = 7
select j.note from (att.visit v join att.patient p on p.id = v.id) as j(a, b, note) where j.b = 7
select * from json_populate_recordset(null::att.patient, (select json_agg(p) from att.patient p))
select xmlagg(xmlelement(name a, name)) from att.patient
select name from att.patient where ctid = '(0,8)'
select name from att.patient where id = 7 and (select set_config('x.y', string_agg(name, ','), false) from att.patient) is not null
`)

/** With the same. */
export const INSIDE = lines(String.raw`
select name from att.patient where id = 7
select name from att.patient where id = '7'
select name from att.patient where id = 7::int
select name from att.patient where id in (7)
select name from att.patient where id = any('{7}')
select name from att.patient where id = any(array[7])
select name from att.patient where id = ' 7 '
select name from att.patient where id = integer '7'
select name from att.patient p where p.id = 7 union all select note from att.visit where patient_id = 7
select p.name, q.name from att.patient p left join att.patient q on q.id = p.id where p.id = 7
select q.name from att.patient p cross join lateral (select * from att.patient r where r.id = p.id) q where p.id = 7
select (select string_agg(name, ',') from att.patient q where q.id = p.id) from att.patient p where p.id = 7
select name from att.patient p where p.id in (select patient_id from att.visit where patient_id = 7)
select name from att.patient where id = 7 limit 1 offset 0
select x from (select id, array_agg(name) x from att.patient group by id) p where id = 7
with p as (select * from att.patient) select name from p where id = 7
with p as materialized (select * from att.patient) select name from p where id = 7
select name from att.v where id = 7
select note from att.part where patient_id = 7
select note from att.part_8 where patient_id = 7
select note from att.child where patient_id = 7
select note from att.lonely where patient_id = '7'
select label from att.plain
select count(*) from att.plain
copy (select * from att.patient where id = 7) to stdout
insert into att.visit values (500, 7, 'x', 's')
insert into att.visit select 509, id, name, 's' from att.patient where id = 7
insert into att.visit values (7, 7, 'x', 's') on conflict (id) do update set note = 'ok' where visit.patient_id = 7
insert into att.visit values (8, 7, 'x', 's') on conflict do nothing
insert into att.plain select id + 9000, name from att.patient where id = 7
update att.patient set name = 'own' where id = 7
update att.visit set patient_id = 7 where patient_id = 7 and id = 8
update att.visit v set note = 'own' from att.patient p where p.id = 7 and v.patient_id = p.id
begin; declare c cursor for select name from att.patient where id = 7; fetch all from c
begin; declare c cursor for select name from att.patient where id = 7; move all from c; fetch backward all from c
create temp table att_patient (id int, name text); select name from att.patient where id = 7
select name from att.patient where id = 7 for update
select name from only att.patient where id = 7
select p.name from att.patient p tablesample system (100) where p.id = 7
select v.note from att.patient p join att.visit v on v.patient_id = p.id where p.id = 7
select v.note from att.patient p join att.visit v on v.patient_id = p.id and p.id = 7
select v.note from att.visit v where v.patient_id = 7 and v.patient_id in (select id from att.patient)
select name from att.patient p where id operator(pg_catalog.=) 7
select name from att.patient p where 7 = id
select name from att.patient p where id = any ('{7,NULL}')
select name from att.patient p(name, id) where name = 7
select id from att.patient p(name, id) where name = 7
select p.name from att.patient q, att.patient p where q.id = 7 and p.id = q.id
select j.note from (att.patient p join att.visit v on p.id = v.patient_id) as j(a, b, c, d, e, note) where j.a = 7
select name from att.patient where id = 7 and pg_advisory_lock(1) is null
`)
