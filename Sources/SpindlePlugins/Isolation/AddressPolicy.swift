import Glibc

/// An address of IPv4 or IPv6.
struct NetAddress: Hashable, Sendable {
    /// 4 or 16 bytes; an IPv4 address in an IPv6 one is taken out.
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.bytes = bytes.count == 16 && bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
    }

    /// Four decimal numbers, or IPv6; nil if it is neither.
    init?(_ text: String) {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &bytes) == 1 {
                self.init(bytes: bytes)
                return
            }
        }
        return nil
    }

    var text: String {
        var text = [CChar](repeating: 0, count: 64)
        guard inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, 64) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Which addresses a granted name may lead to: public ones only, so that whoever runs a name server cannot point into this network.
enum AddressPolicy {
    private struct Block {
        let bytes: [UInt8]
        let prefix: Int

        init(_ text: String, _ prefix: Int) {
            bytes = NetAddress(text)?.bytes ?? []
            self.prefix = prefix
        }

        func contains(_ address: [UInt8]) -> Bool {
            guard address.count == bytes.count else { return false }
            let whole = prefix / 8
            guard address.prefix(whole) == bytes.prefix(whole) else { return false }
            let rest = prefix % 8
            return rest == 0 || (address[whole] ^ bytes[whole]) >> (8 - rest) == 0
        }
    }

    /// The registries of special purposes of the IANA, and the clouds' own services.
    private static let forbidden = [
        Block("0.0.0.0", 8), Block("10.0.0.0", 8), Block("100.64.0.0", 10), Block("127.0.0.0", 8), Block("169.254.0.0", 16),
        Block("172.16.0.0", 12), Block("192.0.0.0", 24), Block("192.0.2.0", 24), Block("192.88.99.0", 24), Block("192.168.0.0", 16),
        Block("198.18.0.0", 15), Block("198.51.100.0", 24), Block("203.0.113.0", 24), Block("224.0.0.0", 4), Block("240.0.0.0", 4),
        Block("168.63.129.16", 32), Block("2001::", 23), Block("2001:db8::", 32), Block("3fff::", 20),
    ]
    private static let unicast = Block("2000::", 3)
    /// These carry an IPv4 address that the packet ends at, from this byte on.
    private static let carriers = [(Block("64:ff9b::", 96), 12), (Block("2002::", 16), 2)]

    static func allows(_ address: NetAddress) -> Bool {
        if let carrier = carriers.first(where: { $0.0.contains(address.bytes) }) {
            return allows(NetAddress(bytes: Array(address.bytes[carrier.1..<carrier.1 + 4])))
        }
        if address.bytes.count == 16, !unicast.contains(address.bytes) { return false }
        return !forbidden.contains { $0.contains(address.bytes) }
    }
}
