import Glibc
import SpindleCore

/// Finds the addresses of granted names. A name is looked up once for each start of a worker, and the worker keeps what was found.
enum NetResolver {
    /// Lines for a worker's relay: `NAME PORT ADDRESS`. May block as long as a name server does.
    ///
    /// - Throws: ``SpindleError`` if a name has no address, or one that it must not lead to.
    static func relays(_ endpoints: [Grants.Endpoint]) throws(SpindleError) -> [String] {
        var found: [String: NetAddress] = [:]
        var relays: [String] = []
        for endpoint in endpoints {
            let address: NetAddress
            if let known = found[endpoint.host] { address = known } else { address = try self.address(of: endpoint.host) }
            found[endpoint.host] = address
            relays.append("\(endpoint.host) \(endpoint.port) \(address.text)")
        }
        return relays
    }

    /// An address that stands there itself was chosen by the operator; a name must lead to public ones only.
    private static func address(of host: String) throws(SpindleError) -> NetAddress {
        if let literal = NetAddress(host) { return literal }
        let addresses = try lookUp(host)
        for address in addresses where !AddressPolicy.allows(address) {
            throw SpindleError(
                .plugin,
                "\(host) leads to \(address.text), which is not a public address; grant the address itself in needs.net if that is meant."
            )
        }
        guard let first = addresses.first else { throw SpindleError(.plugin, "\(host) in needs.net has no address.") }
        return first
    }

    private static func lookUp(_ host: String) throws(SpindleError) -> [NetAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            throw SpindleError(.plugin, "\(host) in needs.net cannot be found: \(String(cString: gai_strerror(status))).")
        }
        defer { freeaddrinfo(list) }
        var addresses: [NetAddress] = []
        var next = list
        while let entry = next?.pointee {
            if let address = Self.address(entry) { addresses.append(address) }
            next = entry.ai_next
        }
        return addresses
    }

    private static func address(_ entry: addrinfo) -> NetAddress? {
        guard let raw = UnsafeRawPointer(entry.ai_addr) else { return nil }
        switch entry.ai_family {
        case AF_INET:
            let address = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            return NetAddress(bytes: withUnsafeBytes(of: address) { Array($0) })
        case AF_INET6:
            let address = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return NetAddress(bytes: withUnsafeBytes(of: address) { Array($0) })
        default: return nil
        }
    }
}
