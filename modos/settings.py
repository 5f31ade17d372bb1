"""The environment variables that modos reads, by name.

Owns which variable stands for which option. Knows neither what the options mean nor who reads them.
"""

__all__ = ["SWIFT_VARIABLES"]

SWIFT_VARIABLES: dict[str, dict[str, str]] = {
    "token": {
        "storage_url": "OS_STORAGE_URL",
        "token": "OS_AUTH_TOKEN",
    },
    "an entry of clouds.yaml": {
        "cloud": "OS_CLOUD",
    },
    "v1": {
        "auth_url": "ST_AUTH",
        "user": "ST_USER",
        "key": "ST_KEY",
    },
    "application credential": {
        "auth_url": "OS_AUTH_URL",
        "application_credential_id": "OS_APPLICATION_CREDENTIAL_ID",
        "application_credential_secret": "OS_APPLICATION_CREDENTIAL_SECRET",
        "region_name": "OS_REGION_NAME",
        "storage_url": "OS_STORAGE_URL",
    },
    "password": {
        "auth_url": "OS_AUTH_URL",
        "username": "OS_USERNAME",
        "user_id": "OS_USER_ID",
        "password": "OS_PASSWORD",
        "project_name": "OS_PROJECT_NAME",
        "project_id": "OS_PROJECT_ID",
        "user_domain_name": "OS_USER_DOMAIN_NAME",
        "user_domain_id": "OS_USER_DOMAIN_ID",
        "project_domain_name": "OS_PROJECT_DOMAIN_NAME",
        "project_domain_id": "OS_PROJECT_DOMAIN_ID",
        "region_name": "OS_REGION_NAME",
        "auth_version": "OS_IDENTITY_API_VERSION",
        "storage_url": "OS_STORAGE_URL",
    },
    "password of Keystone v2": {
        "auth_url": "OS_AUTH_URL",
        "username": "OS_USERNAME",
        "password": "OS_PASSWORD",
        "project_name": "OS_TENANT_NAME",
        "project_id": "OS_TENANT_ID",
        "region_name": "OS_REGION_NAME",
        "auth_version": "OS_IDENTITY_API_VERSION",
        "storage_url": "OS_STORAGE_URL",
    },
}
"""Options of Swift credentials and the variables that give them, by group; groups are tried in this order."""
