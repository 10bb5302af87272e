from django.apps import AppConfig


class RentalsConfig(AppConfig):
    """The rental agency."""

    name = "djust_ast.demo.rentals"
    label = "rentals"
    verbose_name = "Rental agency"
    default_auto_field = "django.db.models.BigAutoField"
