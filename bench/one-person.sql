\set id random(1, 100000)
SELECT id, name, ssn, amount FROM bench_people WHERE id = :id;
