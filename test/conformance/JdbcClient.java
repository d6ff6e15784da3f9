import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** Runs what the JDBC driver does differently from other drivers, and prints "name=value" lines. */
final class JdbcClient {
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    properties.setProperty("user", System.getenv("PGUSER"));
    properties.setProperty("password", System.getenv("PGPASSWORD"));
    properties.setProperty("sslmode", "verify-full");
    properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
    String url = "jdbc:postgresql://localhost:" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      // Prepared on the server, and in binary, from the fifth execution on.
      List<String> sums = new ArrayList<>();
      try (PreparedStatement statement = connection.prepareStatement("select ? + 1, ?::date, ?::uuid")) {
        for (int number = 0; number < 8; number++) {
          statement.setInt(1, number);
          statement.setDate(2, java.sql.Date.valueOf("2024-02-29"));
          statement.setObject(3, java.util.UUID.fromString("7e57ab1e-dead-4bee-8bad-f00dcafe0001"));
          try (ResultSet result = statement.executeQuery()) {
            result.next();
            sums.add(result.getInt(1) + " " + result.getDate(2) + " " + result.getString(3).substring(0, 8));
          }
        }
      }
      print("prepared", sums);

      try (PreparedStatement statement =
          connection.prepareStatement("select last_name, birth_date, sex, registered_at from hospital.patients limit 3")) {
        List<String> seen = new ArrayList<>();
        for (int round = 0; round < 7; round++) {
          seen.clear();
          try (ResultSet result = statement.executeQuery()) {
            while (result.next()) {
              result.getTimestamp(4);
              seen.add(result.getString(1) + "/" + result.getDate(2) + "/" + result.getString(3));
            }
          }
        }
        print("patients", seen);
      }

      print("refused", refusal(() -> execute(connection, "delete from scratch.item")));
      print("after", query(connection, "select 1"));

      connection.setAutoCommit(false);
      execute(connection, "insert into scratch.item values (1, 'one')");
      Savepoint savepoint = connection.setSavepoint("before");
      print("inside", refusal(() -> execute(connection, "delete from scratch.item")));
      connection.rollback(savepoint);
      execute(connection, "insert into scratch.item values (2, 'two')");
      connection.commit();
      print("kept", query(connection, "select string_agg(label, ',' order by id) from scratch.item"));

      // Fetched in pieces through a named portal.
      int rows = 0;
      try (Statement statement = connection.createStatement()) {
        statement.setFetchSize(100);
        try (ResultSet result = statement.executeQuery("select g from generate_series(1, 1050) g")) {
          while (result.next()) rows++;
        }
      }
      print("fetched", List.of(String.valueOf(rows)));
      connection.commit();

      try (PreparedStatement statement = connection.prepareStatement("insert into scratch.item values (?, ?)")) {
        for (int number = 100; number < 400; number++) {
          statement.setInt(1, number);
          statement.setString(2, "batch");
          statement.addBatch();
        }
        print("batch", List.of(String.valueOf(statement.executeBatch().length)));
      }
      connection.commit();
      connection.setAutoCommit(true);
      print("counted", query(connection, "select count(*) from scratch.item where label = 'batch'"));

      List<String> columns = new ArrayList<>();
      try (ResultSet result = connection.getMetaData().getColumns(null, "scratch", "item", "%")) {
        while (result.next()) columns.add(result.getString("COLUMN_NAME") + " " + result.getString("TYPE_NAME"));
      }
      print("metadata", columns);
      List<String> keys = new ArrayList<>();
      try (ResultSet result = connection.getMetaData().getPrimaryKeys(null, "scratch", "item")) {
        while (result.next()) keys.add(result.getString("COLUMN_NAME"));
      }
      print("keys", keys);
    }
  }

  private interface Act {
    void run() throws SQLException;
  }

  private static List<String> refusal(Act act) {
    try {
      act.run();
      return List.of("nothing was refused");
    } catch (SQLException error) {
      return List.of(error.getSQLState());
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static List<String> query(Connection connection, String sql) throws SQLException {
    List<String> values = new ArrayList<>();
    try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
      while (result.next()) values.add(result.getString(1));
    }
    return values;
  }

  private static void print(String name, List<String> values) {
    System.out.println(name + "=" + String.join("|", values));
  }
}
