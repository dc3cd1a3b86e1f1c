import Glibc

/// The times of `allowed_signers`.
enum SSHTime {
    /// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`; with `Z` at the end in UTC, else in the system's zone.
    ///
    /// - Returns: Seconds since 1970; nil if the text is none of these or no such time exists.
    static func seconds(_ text: some StringProtocol) -> Int64? {
        var digits = Array(text.utf8)
        let isUTC = digits.last == UInt8(ascii: "Z") || digits.last == UInt8(ascii: "z")
        if isUTC { digits.removeLast() }
        guard [8, 12, 14].contains(digits.count), digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        func number(_ range: Range<Int>) -> Int32 {
            range.upperBound <= digits.count ? digits[range].reduce(0) { $0 * 10 + Int32($1 - 48) } : 0
        }
        let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
        let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
        guard (1970...9999).contains(year), (1...12).contains(month), (1...days(month, year)).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        var time = tm()
        time.tm_year = year - 1900
        time.tm_mon = month - 1
        time.tm_mday = day
        time.tm_hour = hour
        time.tm_min = minute
        time.tm_sec = second
        let result = Int64(isUTC ? timegm(&time) : mktime(&time))
        // Zero would mean "no limit" to OpenSSH, which refuses it.
        return result > 0 ? result : nil
    }

    private static func days(_ month: Int32, _ year: Int32) -> Int32 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
