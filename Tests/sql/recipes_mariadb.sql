DELIMITER //
CREATE PROCEDURE month_end(IN month date, OUT invoices integer)
BEGIN
    SELECT 'R-1' AS invoice, 10.50 AS amount UNION ALL SELECT 'R-2', 20.00;
    SET invoices = 2;
END //
DELIMITER ;
