/// Names of functions in a shared library, for backtraces: reads `.symtab`, else `.dynsym`, by the section headers. The file may hold
/// anything: every offset is checked, and what is malformed has no names.
struct ElfSymbols {
    /// A function.
    struct Symbol: Hashable, Sendable {
        /// As it stands in the file: names of C++ and Swift are mangled.
        var name: String
        /// How far the address lies behind its beginning.
        var offset: UInt64
    }

    /// Longer names are cut, in bytes.
    static let longestName = 256
    /// More symbols than this are not looked at.
    static let maxSymbols: UInt64 = 1 << 20

    private let bytes: UnsafeRawBufferPointer

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The functions in which addresses lie.
    ///
    /// - Parameter addresses: As the file counts them, from where it is loaded.
    func names(of addresses: [UInt64]) -> [UInt64: Symbol] {
        let sorted = Array(Set(addresses)).sorted()
        var found: [UInt64: Symbol] = [:]
        for table in tables {
            look(for: sorted, in: table, &found)
            if !found.isEmpty { break }
        }
        return found
    }

    /// How far the library reaches in memory from where it is loaded.
    var extent: UInt64 {
        guard bytes.count >= 64, let start: UInt64 = load(32), let count: UInt16 = load(56) else { return 0 }
        return (0..<UInt64(min(count, 128))).reduce(0) { most, index in
            let header = start &+ index &* 56
            guard let type: UInt32 = load(header), type == 1, let address: UInt64 = load(header &+ 16),
                let size: UInt64 = load(header &+ 40)
            else { return most }
            let (end, overflow) = address.addingReportingOverflow(size)
            return overflow ? most : max(most, end)
        }
    }

    /// Names that others can link with, sorted; without those that linkers add by themselves.
    var exports: [String] {
        var names: Set<String> = []
        for table in tables where table.isDynamic {
            for index in 0..<min(table.symbols.size / 24, Self.maxSymbols) {
                let at = table.symbols.offset + index * 24
                // Global or weak, of default or protected visibility, and defined here.
                guard let info: UInt8 = load(at + 4), info >> 4 == 1 || info >> 4 == 2 || info >> 4 == 10,
                    let other: UInt8 = load(at + 5),
                    other & 3 == 0 || other & 3 == 3, let section: UInt16 = load(at + 6), section != 0,
                    let name: UInt32 = load(at), let text = string(UInt64(name), in: table.strings)
                else { continue }
                names.insert(text)
            }
        }
        return names.subtracting(["_init", "_fini", "_edata", "_end", "__bss_start"]).sorted()
    }

    // MARK: Reading

    private struct Section {
        let type: UInt32
        let offset: UInt64
        let size: UInt64
        let link: UInt32
    }

    private struct Table {
        let symbols: Section
        let strings: Section
        /// What the dynamic loader sees, not only the debugger.
        var isDynamic: Bool { symbols.type == 11 }
    }

    /// The tables of symbols, the fuller one first.
    private var tables: [Table] {
        guard bytes.count >= 64, bytes[0] == 0x7F, bytes[1] == 0x45, bytes[2] == 0x4C, bytes[3] == 0x46, bytes[4] == 2,
            bytes[5] == 1
        else { return [] }
        guard let start: UInt64 = load(40), let size: UInt16 = load(58), let count: UInt16 = load(60), size == 64 else { return [] }
        let sections = (0..<UInt64(count)).map { section(at: start &+ $0 &* 64) }
        var tables: [Table] = []
        for type: UInt32 in [2, 11] {  // SHT_SYMTAB, SHT_DYNSYM
            for case let symbols? in sections where symbols.type == type {
                guard symbols.link < UInt32(sections.count), let strings = sections[Int(symbols.link)], strings.type == 3 else {
                    continue
                }
                tables.append(Table(symbols: symbols, strings: strings))
            }
        }
        return Array(tables.prefix(2))
    }

    /// A section header; nil if it or its contents are not in the file.
    private func section(at header: UInt64) -> Section? {
        guard let type: UInt32 = load(header &+ 4), let offset: UInt64 = load(header &+ 24), let size: UInt64 = load(header &+ 32),
            let link: UInt32 = load(header &+ 40), isInside(offset, size)
        else { return nil }
        return Section(type: type, offset: offset, size: size, link: link)
    }

    private func look(for addresses: [UInt64], in table: Table, _ found: inout [UInt64: Symbol]) {
        guard let last = addresses.last else { return }
        for index in 0..<min(table.symbols.size / 24, Self.maxSymbols) {
            let at = table.symbols.offset + index * 24
            guard let info: UInt8 = load(at + 4), info & 15 == 2, let section: UInt16 = load(at + 6), section != 0,
                let value: UInt64 = load(at + 8), let size: UInt64 = load(at + 16), size > 0, value <= last
            else { continue }
            var position = firstIndex(of: value, in: addresses)
            guard position < addresses.count, addresses[position] - value < size, let name: UInt32 = load(at),
                let text = string(UInt64(name), in: table.strings)
            else { continue }
            while position < addresses.count, addresses[position] - value < size {
                let address = addresses[position]
                // Of several that overlap, the nearest.
                if found[address].map({ $0.offset > address - value }) ?? true {
                    found[address] = Symbol(name: text, offset: address - value)
                }
                position += 1
            }
        }
    }

    /// The first address that is not below a value.
    private func firstIndex(of value: UInt64, in addresses: [UInt64]) -> Int {
        var (low, high) = (0, addresses.count)
        while low < high {
            let middle = (low + high) / 2
            if addresses[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func string(_ at: UInt64, in strings: Section) -> String? {
        guard at < strings.size else { return nil }
        let start = Int(strings.offset + at)
        let rest = bytes[start..<min(start + Self.longestName, Int(strings.offset + strings.size))]
        let name = rest.prefix { $0 != 0 }
        return name.isEmpty ? nil : String(decoding: name, as: UTF8.self)
    }

    private func isInside(_ offset: UInt64, _ size: UInt64) -> Bool {
        offset <= UInt64(bytes.count) && size <= UInt64(bytes.count) - offset
    }

    private func load<Value: FixedWidthInteger>(_ at: UInt64) -> Value? {
        guard isInside(at, UInt64(MemoryLayout<Value>.size)) else { return nil }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: Int(at), as: Value.self))
    }
}
