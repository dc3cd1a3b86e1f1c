import SpindleCore

/// Reads an ELF image with a bounds check at every access.
struct ElfReader {
    let bytes: UnsafeRawBufferPointer
    /// Loaded segments: where addresses lie in the file.
    private var loads: [(address: UInt64, offset: UInt64, size: UInt64)] = []

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    private enum Tag {
        static let needed: UInt64 = 1
        static let hash: UInt64 = 4
        static let strings: UInt64 = 5
        static let symbols: UInt64 = 6
        static let stringsSize: UInt64 = 10
        static let runPath: UInt64 = 29
        static let rPath: UInt64 = 15
        static let gnuHash: UInt64 = 0x6FFF_FEF5
    }

    /// - Parameter isPlugin: Whether it must export the factory.
    mutating func read(machine: UInt16, isPlugin: Bool = true) throws(SpindleError) -> ElfImage {
        guard bytes.count >= 4, bytes[0] == 0x7F, bytes[1] == 0x45, bytes[2] == 0x4C, bytes[3] == 0x46 else {
            throw refused("It is not an ELF file.")
        }
        guard bytes.count >= 64 else { throw refused("The file ends within the ELF header.") }
        guard bytes[4] == 2, bytes[5] == 1 else { throw refused("It is not a 64-bit little-endian ELF file.") }
        let type: UInt16 = try load(16)
        guard type == 3 else { throw refused("It is not a shared library (e_type \(type)).") }
        let found: UInt16 = try load(18)
        guard found == machine else {
            throw refused("It is built for another machine (\(Self.name(found))); this host is \(Self.name(machine)).")
        }
        let dynamic = try readProgramHeaders()
        return try readDynamic(dynamic, isPlugin: isPlugin)
    }

    private mutating func readProgramHeaders() throws(SpindleError) -> (offset: UInt64, size: UInt64) {
        let table: UInt64 = try load(32)
        let entrySize: UInt16 = try load(54)
        let count: UInt16 = try load(56)
        guard entrySize == 56, count > 0, count <= 128 else { throw refused("Its program headers are malformed.") }
        var dynamic: (offset: UInt64, size: UInt64)?
        for index in 0..<UInt64(count) {
            let at = try add(table, index * 56)
            let type: UInt32 = try load(at)
            if type == Self.stack { try readStack(at) }
            guard type == 1 || type == 2 else { continue }
            let offset: UInt64 = try load(add(at, 8))
            let address: UInt64 = try load(add(at, 16))
            let size: UInt64 = try load(add(at, 32))
            guard try add(offset, size) <= UInt64(bytes.count) else {
                throw refused("The file is truncated: a segment ends at byte \(offset &+ size), the file at \(bytes.count).")
            }
            if type == 1 { loads.append((address, offset, size)) } else { dynamic = (offset, size) }
        }
        guard let dynamic else { throw refused("It has no dynamic section.") }
        return dynamic
    }

    /// The type of the program header that says what the stack may be.
    private static let stack: UInt32 = 0x6474_E551

    /// The loader would make every stack of the process executable for it, the host's own too.
    private func readStack(_ header: UInt64) throws(SpindleError) {
        let flags: UInt32 = try load(add(header, 4))
        guard flags & 1 == 0 else { throw refused("It wants a stack that can be executed; link it with -z noexecstack.") }
    }

    private func readDynamic(
        _ section: (offset: UInt64, size: UInt64),
        isPlugin: Bool
    ) throws(SpindleError) -> ElfImage {
        var needed: [UInt64] = []
        var runPaths: [UInt64] = []
        var values: [UInt64: UInt64] = [:]
        for index in 0..<min(section.size / 16, 4096) {
            let at = try add(section.offset, index * 16)
            let tag: UInt64 = try load(at)
            let value: UInt64 = try load(add(at, 8))
            switch tag {
            case 0: break
            case Tag.needed: needed.append(value)
            case Tag.runPath, Tag.rPath: runPaths.append(value)
            default: values[tag] = value
            }
            if tag == 0 { break }
        }
        guard let stringsAddress = values[Tag.strings], let symbolsAddress = values[Tag.symbols] else {
            throw refused("It has no dynamic symbols.")
        }
        let strings = try offset(of: stringsAddress)
        let symbols = try offset(of: symbolsAddress)
        let stringsSize = values[Tag.stringsSize] ?? 0
        guard try add(strings, stringsSize) <= UInt64(bytes.count) else { throw refused("Its string table is truncated.") }
        let table = Strings(offset: strings, size: stringsSize)
        if isPlugin {
            let count = try symbolCount(gnuHash: values[Tag.gnuHash], hash: values[Tag.hash])
            guard try exportsFactory(symbols: symbols, count: count, strings: table) else {
                throw refused("It does not export \(ElfImage.factorySymbol): it is not a Spindle plugin.")
            }
        }
        var image = ElfImage(needed: [], runPaths: [])
        for name in needed {
            image.needed.append(try string(name, in: table))
            try checkNames(image)
        }
        for path in runPaths {
            image.runPaths += try string(path, in: table).split(separator: ":").map(String.init)
            try checkNames(image)
        }
        return image
    }

    private func symbolCount(gnuHash: UInt64?, hash: UInt64?) throws(SpindleError) -> UInt64 {
        if let gnuHash { return try symbolCount(gnuHash: offset(of: gnuHash)) }
        guard let hash else { throw refused("It has no symbol hash table.") }
        let chains: UInt32 = try load(add(offset(of: hash), 4))
        return UInt64(chains)
    }

    /// One long name in the file can be named thousands of times.
    private func checkNames(_ image: ElfImage) throws(SpindleError) {
        guard image.needed.count + image.runPaths.count <= ElfImage.maxNames else {
            throw refused("It names more than \(ElfImage.maxNames) libraries and directories.")
        }
    }

    private func exportsFactory(symbols: UInt64, count: UInt64, strings: Strings) throws(SpindleError) -> Bool {
        let wanted = Array(ElfImage.factorySymbol.utf8)
        guard count <= UInt64(bytes.count) / 24 else { throw refused("Its symbol table is truncated.") }
        for index in 0..<count {
            let at = try add(symbols, index * 24)
            let name: UInt32 = try load(at)
            let info: UInt8 = try load(add(at, 4))
            let section: UInt16 = try load(add(at, 6))
            // A defined function (STT_FUNC) that is global or weak.
            guard section != 0, info & 15 == 2, info >> 4 == 1 || info >> 4 == 2 else { continue }
            if try matches(wanted, UInt64(name), in: strings) { return true }
        }
        return false
    }

    /// The number of symbols is not written anywhere: the last chain of the hash table ends with it.
    private func symbolCount(gnuHash at: UInt64) throws(SpindleError) -> UInt64 {
        let bucketCount: UInt32 = try load(at)
        let firstSymbol: UInt32 = try load(add(at, 4))
        let bloomCount: UInt32 = try load(add(at, 8))
        let buckets = try add(at, 16 + UInt64(bloomCount) * 8)
        let chains = try add(buckets, UInt64(bucketCount) * 4)
        guard chains <= UInt64(bytes.count) else { throw refused("Its hash table is truncated.") }
        let first = UInt64(firstSymbol)
        var last: UInt64 = 0
        for index in 0..<UInt64(bucketCount) {
            let symbol: UInt32 = try load(add(buckets, index * 4))
            last = max(last, UInt64(symbol))
        }
        guard last >= first else { return first }
        while true {
            let value: UInt32 = try load(add(chains, (last - first) * 4))
            last += 1
            if value & 1 == 1 { return last }
        }
    }

    // MARK: Access

    private struct Strings {
        let offset: UInt64
        let size: UInt64
    }

    private func matches(_ wanted: [UInt8], _ at: UInt64, in strings: Strings) throws(SpindleError) -> Bool {
        let end = try add(at, UInt64(wanted.count))
        guard end < strings.size else { return false }
        for (index, byte) in wanted.enumerated() {
            let found: UInt8 = try load(add(strings.offset, at + UInt64(index)))
            if found != byte { return false }
        }
        let terminator: UInt8 = try load(add(strings.offset, end))
        return terminator == 0
    }

    private func string(_ at: UInt64, in strings: Strings) throws(SpindleError) -> String {
        var result: [UInt8] = []
        var position = at
        while position < strings.size, result.count < 4096 {
            let byte: UInt8 = try load(add(strings.offset, position))
            if byte == 0 { return String(decoding: result, as: UTF8.self) }
            result.append(byte)
            position += 1
        }
        throw refused("A name in its dynamic section has no end.")
    }

    private func offset(of address: UInt64) throws(SpindleError) -> UInt64 {
        for segment in loads where address >= segment.address && address - segment.address < segment.size {
            return try add(segment.offset, address - segment.address)
        }
        throw refused("Its dynamic section points outside of the file.")
    }

    private func load<Value: FixedWidthInteger>(_ at: UInt64) throws(SpindleError) -> Value {
        let size = UInt64(MemoryLayout<Value>.size)
        guard at <= UInt64(bytes.count), size <= UInt64(bytes.count) - at else {
            throw refused("The file is truncated: byte \(at) is needed, it has \(bytes.count).")
        }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(at), as: Value.self))
    }

    private func add(_ left: UInt64, _ right: UInt64) throws(SpindleError) -> UInt64 {
        let (sum, overflow) = left.addingReportingOverflow(right)
        if overflow { throw refused("An offset in it is out of range.") }
        return sum
    }

    private func refused(_ reason: String) -> SpindleError { SpindleError(.plugin, reason) }

    private static func name(_ machine: UInt16) -> String {
        switch machine {
        case 62: "x86-64"
        case 183: "AArch64"
        case 3: "x86"
        case 40: "ARM"
        case 243: "RISC-V"
        default: "e_machine \(machine)"
        }
    }
}
