/* Has everything but the exported factory. */
int not_a_factory;
