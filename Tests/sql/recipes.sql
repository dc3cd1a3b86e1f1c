CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number text NOT NULL CONSTRAINT orders_number_key UNIQUE, customer text, total numeric(20,2));
CREATE PROCEDURE ship(IN number text, OUT parcels integer) LANGUAGE plpgsql AS $$ BEGIN parcels := 2; END $$;
CREATE FUNCTION net_price(gross numeric) RETURNS numeric LANGUAGE sql AS 'SELECT round(gross / 1.19, 2)';
