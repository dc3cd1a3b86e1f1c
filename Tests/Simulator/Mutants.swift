enum Mutants { static func plant(in directory: String) throws {} }
