from django.apps import AppConfig


class MediationConfig(AppConfig):
    name = "billing.mediation"
    label = "mediation"
    verbose_name = "Usage"
