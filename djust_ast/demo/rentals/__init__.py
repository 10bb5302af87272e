"""The app of the demo: properties, owners, tenants, leases, payments and repairs."""
