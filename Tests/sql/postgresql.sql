CREATE TABLE customer (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL UNIQUE, balance numeric(20,2) NOT NULL DEFAULT 0
    CHECK (balance >= 0));
INSERT INTO customer (name, balance) VALUES ('ada', 100), ('bob', 100);
CREATE TABLE kinds (t text, i bigint, d numeric(40,10), f double precision, b boolean, da date, ti time, ts timestamp, tz timestamptz, bin bytea,
    u uuid, j jsonb);
CREATE TABLE deferred (id int PRIMARY KEY, parent int REFERENCES deferred DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE secret_table (x int);
CREATE ROLE guest LOGIN PASSWORD 'guestguest';

CREATE PROCEDURE transfer(IN source text, IN target text, IN amount numeric, OUT left_over numeric, OUT note text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer SET balance = balance + amount WHERE name = target;
    UPDATE customer SET balance = balance - amount WHERE name = source RETURNING balance INTO left_over;
END $$;
CREATE PROCEDURE count_up(INOUT number bigint, IN by_text text) LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'counting %', number;
    number := number + length(by_text);
END $$;
CREATE PROCEDURE in_pieces() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO customer (name) VALUES ('piece') ON CONFLICT DO NOTHING;
    COMMIT;
    RAISE EXCEPTION 'after the piece';
END $$;
CREATE FUNCTION put_deferred() RETURNS int LANGUAGE sql AS 'INSERT INTO deferred VALUES (1, 2) RETURNING id';
CREATE FUNCTION double_it(n bigint) RETURNS bigint LANGUAGE sql AS 'SELECT n * 2';
CREATE FUNCTION min_max(n bigint, OUT lowest bigint, OUT most bigint) LANGUAGE sql AS 'SELECT -n, n';
CREATE FUNCTION huge_out(OUT a text, OUT b text) LANGUAGE sql AS $$SELECT repeat('x', 300000), 'b'$$;
CREATE FUNCTION some_rows(n int) RETURNS TABLE (a int, b text) LANGUAGE sql AS $$SELECT g, 'row ' || g FROM generate_series(1, n) g$$;
CREATE FUNCTION slow_rows(n int) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP RETURN NEXT i; END LOOP;
END $$;
CREATE PROCEDURE deadlock(IN first text, IN second text) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer SET balance = balance WHERE name = first;
    -- Until the other one has its first row as well.
    PERFORM pg_advisory_xact_lock_shared(1);
    UPDATE customer SET balance = balance WHERE name = second;
END $$;
