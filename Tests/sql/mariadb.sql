CREATE TABLE customer (id bigint AUTO_INCREMENT PRIMARY KEY, name varchar(100) NOT NULL UNIQUE, balance decimal(20,2) NOT NULL DEFAULT 0
    CHECK (balance >= 0));
INSERT INTO customer (name, balance) VALUES ('ada', 100), ('bob', 100);
CREATE TABLE kinds (t text, i bigint, d decimal(40,10), f double, b boolean, da date, ti time(6), ts datetime(6), tz timestamp(6) NULL, bin longblob,
    u uuid, j json);
CREATE TABLE unsigned_kinds (i bigint unsigned, r float, bi bit(1), y year);
INSERT INTO unsigned_kinds VALUES (18446744073709551615, 0.1, 1, 2026);
DELIMITER //
CREATE PROCEDURE transfer(IN source text, IN target text, IN amount decimal(20,2), OUT left_over decimal(20,2), OUT note text)
BEGIN
    UPDATE customer SET balance = balance + amount WHERE name = target;
    UPDATE customer SET balance = balance - amount WHERE name = source;
    SELECT balance INTO left_over FROM customer WHERE name = source;
END //
CREATE PROCEDURE count_up(INOUT number bigint, IN by_text text)
BEGIN
    SET number = number + length(by_text);
END //
CREATE PROCEDURE sets(IN n int, OUT total int)
BEGIN
    SELECT n AS a UNION ALL SELECT n + 1;
    SELECT 'zwei' AS b;
    UPDATE customer SET balance = balance WHERE name = 'ada';
    SET total = n * 2;
END //
CREATE PROCEDURE long_text(IN n int, OUT long_one text) SET long_one = REPEAT('x', n) //
CREATE PROCEDURE many_sets(IN n int)
BEGIN
    WHILE n > 0 DO SELECT n; SET n = n - 1; END WHILE;
END //
CREATE PROCEDURE refuse() SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not today' //
CREATE PROCEDURE as_definer(IN n int) DO SLEEP(n) //
CREATE PROCEDURE through_gate()
BEGIN
    DO GET_LOCK('gate', 100);
    INSERT INTO customer (name) VALUES ('through');
    DO RELEASE_LOCK('gate');
END //
CREATE PROCEDURE sleeping(IN n int) SQL SECURITY INVOKER BEGIN DO SLEEP(n); INSERT INTO customer (name) VALUES ('slept'); END //
CREATE FUNCTION double_it(n bigint) RETURNS bigint DETERMINISTIC RETURN n * 2 //
CREATE PROCEDURE deadlock(IN first text, IN second text)
BEGIN
    UPDATE customer SET balance = balance WHERE name = first;
    -- Until the other one has its first row as well.
    DO GET_LOCK(CONCAT('have ', first), 10);
    WHILE IS_FREE_LOCK(CONCAT('have ', second)) DO DO SLEEP(0.01); END WHILE;
    UPDATE customer SET balance = balance WHERE name = second;
    DO RELEASE_ALL_LOCKS();
END //
DELIMITER ;
CREATE USER guest IDENTIFIED BY 'guestguest';
GRANT SELECT ON work.customer TO guest;
